#pragma once

#include <torch/types.h>

#include <cstdint>

#include "arch/block_spec.h"

namespace espalier {

/// `infer::RopeTable` as tensors; undefined where nothing is rotated.
struct RopeTable {
  torch::Tensor cosine, sine;  // [T, width/2] float32
};
RopeTable rope_table(const arch::Rotary& rotary, std::int64_t positions);

}  // namespace espalier
