#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"

namespace espalier::formats {

struct WeightFormat;

/// Bytes of one dtype.
struct Part {
  Dtype dtype = Dtype::kF32;
  std::span<const std::byte> bytes;
  bool there = false;
  std::string_view name = {};  ///< of the tensor, for messages
};

constexpr std::size_t kMaxCompanions = 5;

/// A matrix [rows, columns] of numbers as its files hold it; a vector is one row, stacked matrices lie one
/// after another. Nothing is read until rows are decoded, which any number of threads may do at once. Valid
/// while what holds the bytes lives.
struct Weight {
  const WeightFormat* format = nullptr;  ///< a row of `weight_formats`
  std::string_view name;                 ///< of the main tensor, for messages; empty: it has none
  /// Main tensor, then companions in the order of the format.
  std::array<Part, 1 + kMaxCompanions> parts;
  std::int64_t rows = 0, columns = 0;
  std::int64_t first_row = 0, row_step = 1;        ///< of these rows among all that the parts hold
  std::int64_t matrix_rows = 1;                    ///< of one matrix of a stack: blocks begin anew with each
  std::int64_t block_rows = 1, block_columns = 1;  ///< numbers that share a scale
  std::int64_t bits = 0;                           ///< of a packed integer
  std::int64_t zero_added = 0;  ///< to a stored zero point, for what is taken off the numbers
  bool rows_apart = true;       ///< a row's bytes are its own, or shared with its block alone

  bool defined() const { return format != nullptr; }
  std::int64_t elements() const { return rows * columns; }
  const Part& main() const { return parts.front(); }

  /// [count, columns] rows first .. first + count in float32. Values and scales are multiplied in float32 and
  /// not rounded again. Throws UserError naming the tensor where its numbers are no floating point, and what
  /// `check` throws.
  void decode_rows(std::int64_t first, std::int64_t count, float* to) const;
  /// Throws UserError naming the tensor where a scale of these rows is NaN, infinite or zero, or an order of
  /// columns leads out of the weight.
  void check(std::int64_t first, std::int64_t count) const;
  /// `decode_rows` of rows that were checked, which throws nothing then.
  void decode_checked_rows(std::int64_t first, std::int64_t count, float* to) const;
  /// Rows first .. first + count: the same bytes, seen as a weight of their own.
  Weight slice(std::int64_t first, std::int64_t count) const;
  /// Rows first, first + step, ..: `count` of them.
  Weight every(std::int64_t first, std::int64_t step, std::int64_t count) const;
  /// A part's bytes of these rows (of a step: and of those between them).
  std::span<const std::byte> bytes(std::size_t part = 0) const;
  /// [rows, columns] as they lie in memory, where that is float32, aligned to it; else nullptr.
  const float* floats() const;
};

/// Numbers of one dtype [rows, columns] without scales; without bytes, what such a weight is like.
Weight dense_weight(Part numbers, std::int64_t rows, std::int64_t columns);

/// What a tensor of this shape is like in FP8 E4M3 with an F32 scale for each block of 128 x 128; without
/// bytes.
Weight fp8_weight(std::span<const std::int64_t> shape);

}  // namespace espalier::formats
