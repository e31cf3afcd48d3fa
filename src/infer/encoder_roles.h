#pragma once

#include "arch/roles.h"
#include "infer/encoder_block.h"

// What each weight of an encoder's or a vision model's block is, said once.
namespace espalier::infer {

/// Calls `visit(key, weight)` with every weight of a block. Those that the model does not have are undefined.
template <typename Block, typename Visit>
void visit_encoder_roles(Block& block, std::int64_t layer, const Visit& visit) {
  using arch::Part;
  using arch::Role;
  const auto pair = [&](Role role, auto& p, std::int64_t expert = -1) {
    visit(arch::TensorKey{role, Part::kWeight, layer, expert}, p.weight);
    visit(arch::TensorKey{role, Part::kBias, layer, expert}, p.bias);
  };
  pair(Role::kMixerNorm, block.attention_norm);
  pair(Role::kQuery, block.query);
  pair(Role::kKey, block.key);
  pair(Role::kValue, block.value);
  pair(Role::kMixerOutput, block.output);
  pair(Role::kFeedForwardNorm, block.feed_forward_norm);
  if (auto* dense = std::get_if<PlainFfn>(&block.feed_forward)) {
    pair(Role::kUp, dense->up);
    pair(Role::kDown, dense->down);
    return;
  }
  auto& moe = std::get<EncoderMoe>(block.feed_forward);
  visit(arch::TensorKey{Role::kRouter, Part::kWeight, layer}, moe.router);
  visit(arch::TensorKey{Role::kNovices, Part::kBias, layer}, moe.novices);
  for (std::size_t e = 0; e < moe.experts.size(); ++e) {
    pair(Role::kExpertUp, moe.experts[e].up, static_cast<std::int64_t>(e));
    pair(Role::kExpertDown, moe.experts[e].down, static_cast<std::int64_t>(e));
  }
}

}  // namespace espalier::infer
