#include "arch/decoder_parts.h"

namespace espalier::arch {

Family granitemoe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.layer.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}input_linear.weight", Storage::kStackedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}input_linear.weight", Storage::kStackedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}output_linear.weight", Storage::kStacked},
      {Role::kScanInput, Part::kWeight, "{M}layers.{L}.mamba.in_proj.weight"},
      {Role::kConvolution, Part::kWeight, "{M}layers.{L}.mamba.conv1d.weight"},
      {Role::kConvolution, Part::kBias, "{M}layers.{L}.mamba.conv1d.bias"},
      {Role::kDecayRate, Part::kWeight, "{M}layers.{L}.mamba.A_log"},
      {Role::kDecayBias, Part::kWeight, "{M}layers.{L}.mamba.dt_bias"},
      {Role::kSkip, Part::kWeight, "{M}layers.{L}.mamba.D"},
      {Role::kScanNorm, Part::kWeight, "{M}layers.{L}.mamba.norm.weight"},
      {Role::kScanOutput, Part::kWeight, "{M}layers.{L}.mamba.out_proj.weight"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.shared_mlp.input_linear.weight", Storage::kFirst},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.shared_mlp.input_linear.weight", Storage::kSecond},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.shared_mlp.output_linear.weight"},
  };
  static constexpr Variant variants[] = {
      {"granitemoeshared", "Granite-MoE with a shared expert"},
      {"granitemoehybrid", "Granite 4"},
  };
  Family family = decoder_family("granitemoe", "Granite-MoE", [](ConfigFields& config) {
    return granite_spec(config, granite_parts(config));
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.feed_forward = "block_sparse_moe.";
  family.variants = variants;
  family.formats = "bf16, fp8";
  return family;
}

}  // namespace espalier::arch
