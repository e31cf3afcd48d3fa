#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/buffer.h"
#include "formats/weight.h"
#include "kernels/simd/arguments.h"

namespace espalier::infer {

/// A weight [out, in] as products take it: float32 in memory, or rows that are decoded while they multiply.
struct ReadyWeight {
  const float* floats = nullptr;
  simd::EncodedRows encoded = {};

  const simd::EncodedRows* rows() const { return floats == nullptr ? &encoded : nullptr; }
};

/// How a weight [out, in] lies in a matrix of its inputs: element (i, j) is number first + i * step of row j.
struct Turned {
  std::int64_t first = 0, step = 1, out = 0;
};

/// A matrix [out, in] or a vector [in] (out = 1) of weights as a checkpoint stores it, in whatever format.
/// Nothing is read until it is used: a model of stored weights takes no memory but what it touches. Valid
/// while the checkpoint lives.
struct StoredWeight {
  formats::Weight numbers;
  std::optional<Turned> turned;       ///< experts stacked transposed; else the rows of `numbers` are its own
  std::shared_ptr<const void> owner;  ///< keeps the bytes alive where they do not lie in the checkpoint

  bool defined() const { return numbers.defined(); }
  std::int64_t out() const { return turned ? turned->out : numbers.rows; }
  std::int64_t in() const { return turned ? numbers.rows : numbers.columns; }
  std::int64_t elements() const { return out() * in(); }
  /// [out, in] float32: the file's own bytes where they are that already, else widened into `buffer`, by all
  /// threads; valid until the buffer is used again.
  const float* read(Buffer<float>& buffer) const;
  /// The same without a copy, where rows can be decoded one by one; valid as long as this weight stays where
  /// it is and the buffer is left alone.
  ReadyWeight open(Buffer<float>& buffer) const;
  /// [out, in] of a weight that is float32 in memory already, as `widened` leaves it.
  const float* floats() const;
  /// Rows begin .. begin + count.
  StoredWeight rows(std::int64_t begin, std::int64_t count) const;
};

/// y = x weight^T + bias.
struct StoredLinear {
  StoredWeight weight;  // [out, in]
  StoredWeight bias;    // [out], or not there
};

/// Values [out, in] as a weight that owns them.
StoredWeight stored(Buffer<float> values, std::int64_t out, std::int64_t in);
/// The weight widened to float32, in memory of its own (the same weight where it is that already).
StoredWeight widened(const StoredWeight& weight);

/// Asks the system to read the bytes from disk soon.
void prefetch(const StoredWeight& weight);
/// Takes the bytes out of this process's resident memory; they are read again when touched.
void release(const StoredWeight& weight);

}  // namespace espalier::infer
