#include "arch/tensor_row.h"

namespace espalier::arch {
namespace {

constexpr TensorRow kUsual[] = {
    {Role::kTokenEmbedding, Part::kWeight, "{M}embed_tokens.weight"},
    {Role::kMixerNorm, Part::kWeight, "{M}layers.{L}.input_layernorm.weight"},
    {Role::kQueryDown, Part::kWeight, "{M}layers.{L}.self_attn.q_a_proj.weight"},
    {Role::kQueryDown, Part::kBias, "{M}layers.{L}.self_attn.q_a_proj.bias"},
    {Role::kQueryDownNorm, Part::kWeight, "{M}layers.{L}.self_attn.q_a_layernorm.weight"},
    {Role::kQueryUp, Part::kWeight, "{M}layers.{L}.self_attn.q_b_proj.weight"},
    {Role::kQuery, Part::kWeight, "{M}layers.{L}.self_attn.q_proj.weight"},
    {Role::kQuery, Part::kBias, "{M}layers.{L}.self_attn.q_proj.bias"},
    {Role::kKey, Part::kWeight, "{M}layers.{L}.self_attn.k_proj.weight"},
    {Role::kKey, Part::kBias, "{M}layers.{L}.self_attn.k_proj.bias"},
    {Role::kValue, Part::kWeight, "{M}layers.{L}.self_attn.v_proj.weight"},
    {Role::kValue, Part::kBias, "{M}layers.{L}.self_attn.v_proj.bias"},
    {Role::kQueryNorm, Part::kWeight, "{M}layers.{L}.self_attn.q_norm.weight"},
    {Role::kKeyNorm, Part::kWeight, "{M}layers.{L}.self_attn.k_norm.weight"},
    {Role::kKeyValueDown, Part::kWeight, "{M}layers.{L}.self_attn.kv_a_proj_with_mqa.weight"},
    {Role::kKeyValueDown, Part::kBias, "{M}layers.{L}.self_attn.kv_a_proj_with_mqa.bias"},
    {Role::kKeyValueDownNorm, Part::kWeight, "{M}layers.{L}.self_attn.kv_a_layernorm.weight"},
    {Role::kKeyValueUp, Part::kWeight, "{M}layers.{L}.self_attn.kv_b_proj.weight"},
    {Role::kIndexQuery, Part::kWeight, "{M}layers.{L}.self_attn.indexer.wq_b.weight"},
    {Role::kIndexKey, Part::kWeight, "{M}layers.{L}.self_attn.indexer.wk.weight"},
    {Role::kIndexKeyNorm, Part::kWeight, "{M}layers.{L}.self_attn.indexer.k_norm.weight"},
    {Role::kIndexKeyNorm, Part::kBias, "{M}layers.{L}.self_attn.indexer.k_norm.bias"},
    {Role::kIndexWeight, Part::kWeight, "{M}layers.{L}.self_attn.indexer.weights_proj.weight"},
    {Role::kScanInput, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj_qkv.weight"},
    {Role::kScanGate, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj_z.weight"},
    {Role::kScanBeta, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj_b.weight"},
    {Role::kScanDecay, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj_a.weight"},
    {Role::kConvolution, Part::kWeight, "{M}layers.{L}.linear_attn.conv1d.weight"},
    {Role::kDecayRate, Part::kWeight, "{M}layers.{L}.linear_attn.A_log"},
    {Role::kDecayBias, Part::kWeight, "{M}layers.{L}.linear_attn.dt_bias"},
    {Role::kScanNorm, Part::kWeight, "{M}layers.{L}.linear_attn.norm.weight"},
    {Role::kScanOutput, Part::kWeight, "{M}layers.{L}.linear_attn.out_proj.weight"},
    {Role::kMixerOutput, Part::kWeight, "{M}layers.{L}.self_attn.o_proj.weight"},
    {Role::kMixerOutput, Part::kBias, "{M}layers.{L}.self_attn.o_proj.bias"},
    {Role::kFeedForwardNorm, Part::kWeight, "{M}layers.{L}.post_attention_layernorm.weight"},
    {Role::kGate, Part::kWeight, "{M}layers.{L}.{F}gate_proj.weight"},
    {Role::kUp, Part::kWeight, "{M}layers.{L}.{F}up_proj.weight"},
    {Role::kDown, Part::kWeight, "{M}layers.{L}.{F}down_proj.weight"},
    {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}gate.weight"},
    {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}gate.e_score_correction_bias"},
    {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.gate_proj.weight"},
    {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.up_proj.weight"},
    {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.down_proj.weight"},
    {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.gate_up_proj", Storage::kStackedFirst},
    {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.gate_up_proj", Storage::kStackedSecond},
    {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.down_proj", Storage::kStacked},
    {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.{F}shared_experts.gate_proj.weight"},
    {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.{F}shared_experts.up_proj.weight"},
    {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.{F}shared_experts.down_proj.weight"},
    {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.{F}shared_expert.gate_proj.weight"},
    {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.{F}shared_expert.up_proj.weight"},
    {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.{F}shared_expert.down_proj.weight"},
    {Role::kSharedScore, Part::kWeight, "{M}layers.{L}.{F}shared_expert_gate.weight"},
    {Role::kFinalNorm, Part::kWeight, "{M}norm.weight"},
    {Role::kHead, Part::kWeight, "lm_head.weight"},
};

constexpr TensorRow kW[] = {
    {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.w1.weight"},
    {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.w3.weight"},
    {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.w2.weight"},
    {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.gate_up_proj", Storage::kStackedFirst},
    {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.gate_up_proj", Storage::kStackedSecond},
    {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.down_proj", Storage::kStacked},
};

}  // namespace

const std::span<const TensorRow> kUsualDecoderRows = kUsual;
const std::span<const TensorRow> kW123Rows = kW;

}  // namespace espalier::arch
