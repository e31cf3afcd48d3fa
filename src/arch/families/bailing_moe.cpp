#include "arch/decoder_parts.h"

namespace espalier::arch {

/// The first version has neither groups nor a bias.
Family bailing_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "{M}word_embeddings.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}gate.expert_bias"},
  };
  static constexpr Variant variants[] = {
      {"bailing_moe_v2", "Ling 2"},
  };
  Family family = decoder_family("bailing_moe", "Ling", [](ConfigFields& config) {
    const bool sigmoid = config.fields().string("score_function", "softmax") == "sigmoid";
    return unread_spec(config, moe_parts(config, sigmoid ? Routing::kSigmoidWithBias : Routing::kSoftmax));
  });
  family.rows = rows;
  family.variants = variants;
  family.can.missing = "fused queries, keys and values";
  family.formats = "bf16, fp8";
  return family;
}

}  // namespace espalier::arch
