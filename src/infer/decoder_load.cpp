#include "arch/described_model.h"
#include "infer/bound_weights.h"
#include "infer/decoder.h"
#include "infer/decoder_roles.h"

namespace espalier::infer {
namespace {

GatedFfn network(const arch::FeedForward& rule) {
  GatedFfn network;
  network.rule = rule;
  return network;
}

/// A block with the parts that its description asks for, without weights.
DecoderBlock shaped(const arch::BlockSpec& spec) {
  DecoderBlock block;
  if (std::holds_alternative<arch::LatentAttention>(spec.mixer)) block.attention = LatentAttentionWeights{};
  if (arch::has_state(spec.mixer)) block.attention = StateWeights{};
  const arch::MixtureOfExperts* moe = spec.moe();
  if (std::holds_alternative<arch::Absent>(spec.mixer)) block.attention = std::monostate{};
  if (moe == nullptr) {
    block.feed_forward = std::monostate{};
    if (const auto* dense = std::get_if<arch::FeedForward>(&spec.feed_forward))
      block.feed_forward = network(*dense);
    return block;
  }
  DecoderMoe layer;
  layer.experts.assign(static_cast<std::size_t>(moe->experts), network(moe->expert));
  if (moe->shared) layer.shared = network(moe->shared->network);
  if (moe->shared && moe->shared->gated) layer.shared_gate.emplace();
  layer.scales_input = moe->router.scales_input;
  layer.output_scale = moe->output_scale;
  block.feed_forward = std::move(layer);
  return block;
}

}  // namespace

DecoderModel load_decoder(Checkpoint checkpoint) {
  DecoderModel model;
  model.source = std::make_shared<const Checkpoint>(std::move(checkpoint));
  const Checkpoint& source = *model.source;
  const arch::DescribedModel described = arch::describe_to_run(source, arch::ModelKind::kDecoder);
  model.spec = described.spec;
  for (const arch::BlockSpec& block : model.spec.blocks) model.blocks.push_back(shaped(block));
  visit_model_roles(model, [&](const arch::TensorKey& key, StoredWeight& weight) {
    weight = bound_weight(source, described.tensors, key);
    const bool of_router = key.role == arch::Role::kRouter && key.part != arch::Part::kWeight;
    if (of_router) weight = widened(weight);
  });
  if (model.tied()) model.head = model.embedding;
  return model;
}

}  // namespace espalier::infer
