#include "arch/decoder_parts.h"

namespace espalier::arch {

Family mistral_large4() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "tok_embeddings.weight"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.shared_experts.w1.weight"},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.shared_experts.w3.weight"},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.shared_experts.w2.weight"},
      {Role::kGate, Part::kWeight, "{M}layers.{L}.feed_forward.w1.weight"},
      {Role::kUp, Part::kWeight, "{M}layers.{L}.feed_forward.w3.weight"},
      {Role::kDown, Part::kWeight, "{M}layers.{L}.feed_forward.w2.weight"},
  };
  Family family = decoder_family("mistral_large4", "Mistral Large 4", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    read_groups(config, parts.moe.router.rule);
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.style = kW123Rows;
  family.modules = "";
  family.feed_forward = "";
  family.config.nested = "text_config";
  family.can.missing = "latent attention with an indexer";
  family.formats = "fp8, nvfp4";
  return family;
}

}  // namespace espalier::arch
