#pragma once

#include <torch/types.h>

#include <cstdint>

#include "checkpoint/checkpoint.h"

namespace espalier {

/// Room for weights widened to float32; grows to the largest asked for.
class WeightBuffer {
 public:
  float* floats(std::int64_t count);

 private:
  torch::Tensor data_;
};

/// A matrix [out, in] or a vector [in] (out = 1) of weights as a checkpoint stores it. Nothing is read until
/// it is used: a model of stored weights takes no memory but what it touches. Valid while the checkpoint
/// lives.
struct StoredWeight {
  Dtype dtype = Dtype::kF32;
  std::span<const std::byte> bytes;
  std::int64_t out = 0, in = 0;
  torch::Tensor owner;  ///< keeps `bytes` alive where they do not lie in the checkpoint

  bool defined() const { return out > 0; }
  std::int64_t elements() const { return out * in; }
  /// [out, in] float32: the file's own bytes where they are that already, else widened into `buffer`, by all
  /// threads; valid until the buffer is used again.
  const float* read(WeightBuffer& buffer) const;
  /// Rows begin .. begin + count.
  StoredWeight rows(std::int64_t begin, std::int64_t count) const;
};

/// A float32 tensor as a stored weight that keeps it alive.
StoredWeight stored(const torch::Tensor& weight);
/// The weight widened to float32, in memory of its own (the same weight where it is that already).
StoredWeight widened(const StoredWeight& weight);

/// Asks the system to read the bytes from disk soon.
void prefetch(const StoredWeight& weight);
/// Takes the bytes out of this process's resident memory; they are read again when touched.
void release(const StoredWeight& weight);

}  // namespace espalier
