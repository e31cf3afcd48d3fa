#include <algorithm>

#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

/// One stack: experts in every `step`-th block, the second first.
void append_stack(std::vector<bool>& sparse, std::int64_t blocks, std::int64_t sparse_blocks) {
  const std::int64_t step = sparse_blocks == 0 ? blocks : std::max<std::int64_t>(1, blocks / sparse_blocks);
  for (std::int64_t block = 0; block < blocks; ++block)
    sparse.push_back(sparse_blocks > 0 && (step == 1 || block % step == 1));
}

ModelSpec read_switch_transformers(ConfigFields& config) {
  JsonObject& fields = config.fields();
  ModelSpec spec;
  spec.family = config.family().model_type;
  TextInput text;
  text.vocabulary = fields.integer("vocab_size", {1, kLargestVocabulary});
  spec.input = text;
  spec.width = config.width("d_model");
  spec.encoder_blocks = fields.integer("num_layers", {1, kMostLayers});
  const std::int64_t decoder = fields.integer("num_decoder_layers", {1, kMostLayers}, spec.encoder_blocks);
  std::vector<bool> sparse;
  append_stack(sparse, spec.encoder_blocks, fields.integer("num_sparse_encoder_layers", {0, kMostLayers}));
  append_stack(sparse, decoder, fields.integer("num_sparse_decoder_layers", {0, kMostLayers}));
  const FeedForward network{config.width("d_ff"), false, Activation::kRelu};
  for (const std::int64_t experts : config.expert_counts(sparse)) {
    BlockSpec block{NormPlacement::kPre, {}, Unread{fields.integer("num_heads", {1, kWidest})}, network};
    if (experts > 0) block.feed_forward = MixtureOfExperts{experts, network, {}, {}};
    if (auto* moe = block.moe()) {
      moe->router.rule.experts_per_token = 1;
      moe->router.rows = moe->router.capacity_experts = experts;
    }
    spec.blocks.push_back(std::move(block));
  }
  return spec;
}

}  // namespace

Family switch_transformers() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "shared.weight"},
      {Role::kUp, Part::kWeight, "encoder.block.{L}.layer.1.mlp.wi.weight", Storage::kOwn, Stack::kEncoder},
      {Role::kDown, Part::kWeight, "encoder.block.{L}.layer.1.mlp.wo.weight", Storage::kOwn, Stack::kEncoder},
      {Role::kRouter, Part::kWeight, "encoder.block.{L}.layer.1.mlp.router.classifier.weight", Storage::kOwn,
       Stack::kEncoder},
      {Role::kExpertUp, Part::kWeight, "encoder.block.{L}.layer.1.mlp.experts.expert_{e}.wi.weight",
       Storage::kOwn, Stack::kEncoder},
      {Role::kExpertDown, Part::kWeight, "encoder.block.{L}.layer.1.mlp.experts.expert_{e}.wo.weight",
       Storage::kOwn, Stack::kEncoder},
      {Role::kUp, Part::kWeight, "decoder.block.{L}.layer.2.mlp.wi.weight", Storage::kOwn, Stack::kDecoder},
      {Role::kDown, Part::kWeight, "decoder.block.{L}.layer.2.mlp.wo.weight", Storage::kOwn, Stack::kDecoder},
      {Role::kRouter, Part::kWeight, "decoder.block.{L}.layer.2.mlp.router.classifier.weight", Storage::kOwn,
       Stack::kDecoder},
      {Role::kExpertUp, Part::kWeight, "decoder.block.{L}.layer.2.mlp.experts.expert_{e}.wi.weight",
       Storage::kOwn, Stack::kDecoder},
      {Role::kExpertDown, Part::kWeight, "decoder.block.{L}.layer.2.mlp.experts.expert_{e}.wo.weight",
       Storage::kOwn, Stack::kDecoder},
  };
  Family family = decoder_family("switch_transformers", "Switch Transformer", read_switch_transformers);
  family.usual = {};
  family.rows = rows;
  family.config.experts_per_token = {};
  family.can.missing = "encoder-decoders with cross-attention and relative positions";
  return family;
}

}  // namespace espalier::arch
