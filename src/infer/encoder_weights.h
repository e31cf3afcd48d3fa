#pragma once

#include <vector>

#include "arch/described_model.h"
#include "infer/encoder_block.h"

namespace espalier::infer {

/// The blocks of an encoder or a vision model, float32 in memory.
std::vector<EncoderBlock> load_blocks(const Checkpoint& checkpoint, const arch::DescribedModel& model);

/// A linear layer or a norm outside the blocks, float32 in memory.
template <typename Pair>
Pair load_pair(const Checkpoint& checkpoint, const arch::DescribedModel& model, arch::Role role);
/// A weight outside the blocks, float32 in memory.
StoredWeight load_weight(const Checkpoint& checkpoint, const arch::DescribedModel& model, arch::Role role,
                         arch::Part part = arch::Part::kWeight);

template <typename Pair>
Pair load_pair(const Checkpoint& checkpoint, const arch::DescribedModel& model, arch::Role role) {
  return {load_weight(checkpoint, model, role), load_weight(checkpoint, model, role, arch::Part::kBias)};
}

}  // namespace espalier::infer
