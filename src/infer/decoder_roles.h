#pragma once

#include <array>

#include "arch/roles.h"
#include "infer/decoder.h"

// What each weight of a decoder is, said once: loading, saving and widening walk it.
namespace espalier::infer {

/// Calls `visit(key, weight)` with every weight of a block, in the order of the forward pass. Those that the
/// model does not have are undefined.
template <typename Block, typename Visit>
void visit_decoder_roles(Block& block, std::int64_t layer, const Visit& visit) {
  using arch::Part;
  using arch::Role;
  const auto weight = [&](Role role, auto& w, Part part = Part::kWeight, std::int64_t expert = -1) {
    visit(arch::TensorKey{role, part, layer, expert}, w);
  };
  const auto linear = [&](Role role, auto& l) {
    weight(role, l.weight);
    weight(role, l.bias, Part::kBias);
  };
  const auto ffn = [&](const std::array<Role, 3>& roles, auto& network, std::int64_t expert = -1) {
    weight(roles[0], network.gate, Part::kWeight, expert);
    weight(roles[1], network.up, Part::kWeight, expert);
    weight(roles[2], network.down, Part::kWeight, expert);
    weight(roles[0], network.gate_bias, Part::kBias, expert);
    weight(roles[1], network.up_bias, Part::kBias, expert);
    weight(roles[2], network.down_bias, Part::kBias, expert);
  };
  const auto norm = [&](Role role, auto& n) {
    weight(role, n.weight);
    weight(role, n.bias, Part::kBias);
  };
  norm(Role::kMixerNorm, block.attention_norm);
  if (auto* grouped = std::get_if<GroupedAttentionWeights>(&block.attention)) {
    linear(Role::kQuery, grouped->query);
    linear(Role::kKey, grouped->key);
    linear(Role::kValue, grouped->value);
    weight(Role::kQueryNorm, grouped->query_norm);
    weight(Role::kKeyNorm, grouped->key_norm);
    weight(Role::kSinks, grouped->sinks);
    weight(Role::kOutputGate, grouped->output_gate.weight);
    linear(Role::kMixerOutput, grouped->output);
  } else if (auto* latent = std::get_if<LatentAttentionWeights>(&block.attention)) {
    linear(Role::kQueryDown, latent->query_down);
    weight(Role::kQueryDownNorm, latent->query_norm);
    linear(latent->query_down.weight.defined() ? Role::kQueryUp : Role::kQuery, latent->query);
    linear(Role::kKeyValueDown, latent->key_value_down);
    weight(Role::kKeyValueDownNorm, latent->key_value_norm);
    linear(Role::kKeyValueUp, latent->key_value);
    linear(Role::kIndexQuery, latent->indexer.query);
    linear(Role::kIndexKey, latent->indexer.key);
    norm(Role::kIndexKeyNorm, latent->indexer.key_norm);
    linear(Role::kIndexWeight, latent->indexer.weight);
    linear(Role::kMixerOutput, latent->output);
  } else if (auto* state = std::get_if<StateWeights>(&block.attention)) {
    linear(Role::kScanInput, state->input);
    linear(Role::kScanGate, state->gate);
    linear(Role::kScanBeta, state->beta);
    linear(Role::kScanDecay, state->decay);
    linear(Role::kConvolution, state->convolution);
    weight(Role::kDecayRate, state->rate);
    weight(Role::kDecayBias, state->bias);
    weight(Role::kSkip, state->skip);
    weight(Role::kScanNorm, state->norm);
    linear(Role::kScanOutput, state->output);
  }
  norm(Role::kMixerOutputNorm, block.attention_output_norm);
  norm(Role::kFeedForwardNorm, block.feed_forward_norm);
  norm(Role::kFeedForwardOutputNorm, block.feed_forward_output_norm);
  if (auto* dense = std::get_if<GatedFfn>(&block.feed_forward))
    return ffn({Role::kGate, Role::kUp, Role::kDown}, *dense);
  if (!std::holds_alternative<DecoderMoe>(block.feed_forward)) return;
  auto& moe = std::get<DecoderMoe>(block.feed_forward);
  weight(Role::kRouter, moe.router);
  weight(Role::kRouter, moe.router_bias, Part::kBias);
  weight(Role::kRouter, moe.correction_bias, Part::kCorrection);
  for (std::size_t e = 0; e < moe.experts.size(); ++e)
    ffn({Role::kExpertGate, Role::kExpertUp, Role::kExpertDown}, moe.experts[e],
        static_cast<std::int64_t>(e));
  weight(Role::kLatentIn, moe.latent_in);
  weight(Role::kLatentOut, moe.latent_out);
  if (moe.shared) ffn({Role::kSharedGate, Role::kSharedUp, Role::kSharedDown}, *moe.shared);
  if (moe.shared_gate) weight(Role::kSharedScore, *moe.shared_gate);
}

/// The same of the whole model; a tied head is visited once, as the embedding.
template <typename Model, typename Visit>
void visit_model_roles(Model& model, const Visit& visit) {
  visit(arch::TensorKey{arch::Role::kTokenEmbedding}, model.embedding);
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer)
    visit_decoder_roles(model.blocks[layer], static_cast<std::int64_t>(layer), visit);
  visit(arch::TensorKey{arch::Role::kFinalNorm}, model.norm.weight);
  visit(arch::TensorKey{arch::Role::kFinalNorm, arch::Part::kBias}, model.norm.bias);
  if (!model.tied()) visit(arch::TensorKey{arch::Role::kHead}, model.head);
  visit(arch::TensorKey{arch::Role::kHead, arch::Part::kBias}, model.head_bias);
}

}  // namespace espalier::infer
