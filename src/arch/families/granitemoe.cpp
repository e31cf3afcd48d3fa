#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

ModelSpec read(ConfigFields& config) {
  DecoderParts parts;
  parts.moe.router.rule.score = GateScore::kSoftmaxOfChosen;
  return unread_spec(config, "intermediate_size", parts);
}

constexpr TensorRow kRows[] = {
    {Role::kRouter, Part::kWeight, "{M}layers.{L}.block_sparse_moe.router.layer.weight"},
    {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.block_sparse_moe.input_linear.weight",
     Storage::kStackedFirst},
    {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.block_sparse_moe.input_linear.weight",
     Storage::kStackedSecond},
    {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.block_sparse_moe.output_linear.weight",
     Storage::kStacked},
};

}  // namespace

Family granitemoe() {
  Family family = decoder_family("granitemoe", "Granite-MoE", read);
  family.config.experts = "num_local_experts";
  family.rows = kRows;
  family.can.missing = "multipliers of embeddings, attention, residuals and logits";
  return family;
}

}  // namespace espalier::arch
