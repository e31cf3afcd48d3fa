#include "arch/described_model.h"
#include "infer/bound_weights.h"
#include "infer/decoder.h"
#include "infer/decoder_roles.h"

namespace espalier::infer {
namespace {

/// A block with the parts that its description asks for, without weights.
DecoderBlock shaped(const arch::BlockSpec& spec) {
  DecoderBlock block;
  if (std::holds_alternative<arch::LatentAttention>(spec.mixer)) block.attention = LatentAttentionWeights{};
  const arch::MixtureOfExperts* moe = spec.moe();
  if (moe == nullptr) return block;
  DecoderMoe layer;
  layer.experts.resize(static_cast<std::size_t>(moe->experts));
  if (moe->shared) layer.shared.emplace();
  if (moe->shared && moe->shared->gated) layer.shared_gate.emplace();
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
    if (key.part == arch::Part::kCorrection) weight = widened(weight);
  });
  if (model.tied()) model.head = model.embedding;
  return model;
}

}  // namespace espalier::infer
