#include "arch/decoder_parts.h"

namespace espalier::arch {

Family muse_spark() {
  static constexpr TensorRow rows[] = {
      {Role::kKeptWhole, Part::kWeight, "{M}layers.{L}.{F}experts.post_expert_norm.weight"},
  };
  static constexpr Variant variants[] = {
      {"muse_spark", "Muse Spark", "model.language_model.", "text_config"},
  };
  Family family =
      decoder_family("muse_spark_text", "Muse Spark, language model alone", [](ConfigFields& config) {
        DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
        parts.moe.input_width = config.fields().integer("moe_hidden_size", {0, kWidest}, 0);
        return unread_spec(config, parts);
      });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.variants = variants;
  family.can.missing = "experts between shared projections, and gates of residuals";
  return family;
}

}  // namespace espalier::arch
