#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/quantization.h"
#include "formats/tensor.h"
#include "formats/weight.h"

namespace espalier::formats {

/// A main tensor, and of the format's companions those that are there.
struct StoredTensors {
  std::string_view source;  ///< the checkpoint, for messages
  const Quantization& quantization;
  Tensor main;
  std::array<std::optional<Tensor>, kMaxCompanions> companions;

  const std::optional<Tensor>& part(std::size_t part) const { return companions[part - 1]; }
};

using Shape = std::vector<std::int64_t>;

/// Bytes [begin, begin + size) of a part.
struct ByteSpan {
  std::size_t begin = 0, size = 0;
};

/// Rows as they are stored: bytes of each part.
using StoredRows = std::array<std::vector<std::byte>, 1 + kMaxCompanions>;

/// How weights are stored: one value for each codec. What a codec cannot do is nullptr.
struct WeightFormat {
  std::string_view name;  ///< as messages and docs/formats/weights.md have it
  /// Names of the main tensor and of its companions: "{weight}_scale" adds to the weight's name,
  /// "{module}.qweight" stands in the place of its ".weight".
  std::string_view main;
  std::array<std::string_view, kMaxCompanions> companions;
  /// Companions that say what the others mean (a shape, an order of columns, scales): of a weight that is
  /// made zero they stay as they are.
  std::array<bool, kMaxCompanions> describes{};

  /// Whether the tensors are of this format; companions need not all be there.
  bool (*recognises)(const StoredTensors&);
  /// Numbers that the weight stands for, of a format that is not read. Throws nothing.
  std::int64_t (*count)(const StoredTensors&) = nullptr;
  /// Shape of the tensor that the weight stands for. Throws nothing.
  Shape (*shape)(const StoredTensors&) = nullptr;
  /// The rows of the format are the columns of that tensor, of each matrix of a stack (gpt-oss).
  bool turned = false;
  /// Shape and blocks of a weight that has its parts. Throws UserError naming the tensor that is missing, of
  /// another shape or of another dtype.
  void (*bind)(const StoredTensors&, Weight&) = nullptr;
  /// See `Weight::check`; rows count from the first that the parts hold.
  void (*check)(const Weight&, std::int64_t first, std::int64_t count) = nullptr;
  /// See `Weight::decode_checked_rows`; rows count from the first that the parts hold.
  void (*decode_rows)(const Weight&, std::int64_t first, std::int64_t count, float* to) = nullptr;
  /// Where a part holds rows first .. first + count (whole blocks, where they share scales; all of it, where
  /// rows do not lie apart).
  ByteSpan (*bytes_of_rows)(const Weight&, std::size_t part, std::int64_t first,
                            std::int64_t count) = nullptr;
  /// What each byte of a part is in a weight of zeros (where it does not stay, see `describes`); nullptr: 0.
  std::byte (*zero)(const Weight&, std::size_t part) = nullptr;
  /// Whether a weight can be written: the sum of several in the place of one.
  bool (*can_encode)(const Weight& like) = nullptr;
  /// [count, columns] float32, whole rows of blocks, in the format, dtypes and blocks of `like`.
  StoredRows (*encode_rows)(const Weight& like, std::span<const float> rows) = nullptr;
};

/// All formats, in the order in which they are tried; the last takes what no other recognises.
std::span<const WeightFormat> weight_formats();

/// `count` rows whose bytes are given as `bytes_of_rows` finds them: whole rows of blocks, or rows of one.
Weight weight_of_rows(const Weight& like, std::int64_t count, const StoredRows& bytes);

/// Name of a part of the weight of a name; empty where the format has no such part.
std::string part_name(const WeightFormat& format, std::size_t part, std::string_view weight);

/// Rows and columns of a tensor whose last axis is a row; `matrix_rows` of its last two axes.
void set_shape(Weight& weight, std::span<const std::int64_t> shape);

}  // namespace espalier::formats
