#include "arch/decoder_parts.h"

namespace espalier::arch {

/// The language model. Of text alone the three sections of its rotary embedding turn alike (MRoPE is RoPE).
Family qwen3_vl_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj", Storage::kTransposedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj", Storage::kTransposedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.mlp.experts.down_proj", Storage::kTransposed},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj", Storage::kStackedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.mlp.experts.gate_up_proj", Storage::kStackedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.mlp.experts.down_proj", Storage::kStacked},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.mlp.experts.{e}.gate_proj.weight"},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.mlp.experts.{e}.up_proj.weight"},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.mlp.experts.{e}.down_proj.weight"},
  };
  static constexpr Variant variants[] = {
      {"qwen3_vl_moe", "Qwen3-VL-MoE", "model.language_model.", "text_config"},
  };
  Family family =
      decoder_family("qwen3_vl_moe_text", "Qwen3-VL-MoE, language model alone", [](ConfigFields& config) {
        DecoderParts parts = qwen_parts(config);
        auto& attention = std::get<GroupedAttention>(parts.mixer);
        read_attention_bias(config, attention);
        attention.query_key_norm = QueryKeyNorm::kPerHead;
        parts.moe.router.rule.normalise = true;  // whatever norm_topk_prob says
        return decoder_spec(config, parts);
      });
  family.rows = rows;
  family.variants = variants;
  family.formats = "bf16, fp8";
  return family;
}

}  // namespace espalier::arch
