#pragma once

#include <torch/types.h>

#include "train/ops/ops.h"

/// Plain libtorch, written for clarity: the oracle of the oneDNN backend, and the way to other devices.
namespace espalier::plain {

torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, const AttentionHeads& heads,
                        const RopeTable& rope, const Dropout& dropout);
torch::Tensor dropout(const torch::Tensor& x, const Dropout& dropout);

}  // namespace espalier::plain
