#include "arch/moe_families.h"

namespace espalier {
namespace {

constexpr std::string_view kTopK = "num_experts_per_tok";
constexpr std::string_view kRouted = "n_routed_experts";
constexpr std::string_view kLocal = "num_local_experts";
constexpr std::string_view kWidth = "intermediate_size";
constexpr std::string_view kMoeWidth = "moe_intermediate_size";

constexpr MoeFamily kFamilies[] = {
    {"mixtral", "Mixtral", kLocal, kTopK, kWidth},
    {"phimoe", "Phi-3.5-MoE", kLocal, kTopK, kWidth},
    {"qwen2_moe", "Qwen2-MoE", "num_experts", kTopK, kMoeWidth, MoePattern::kSparseStep},
    {"qwen3_moe", "Qwen3-MoE", "num_experts", kTopK, kMoeWidth, MoePattern::kSparseStep},
    {"olmoe", "OLMoE", "num_experts", kTopK, kWidth},
    {"deepseek", "DeepSeekMoE", kRouted, kTopK, kMoeWidth, MoePattern::kAfterDenseBlocks},
    {"deepseek_v2", "DeepSeek-V2", kRouted, kTopK, kMoeWidth, MoePattern::kAfterDenseBlocks,
     MoeGroups::kByMethod},
    {"deepseek_v3", "DeepSeek-V3", kRouted, kTopK, kMoeWidth, MoePattern::kAfterDenseBlocks,
     MoeGroups::kAlways, MoeTail::kNextTokenLayers},
    {"glm4_moe", "GLM-4.5", kRouted, kTopK, kMoeWidth, MoePattern::kAfterDenseBlocks, MoeGroups::kAlways,
     MoeTail::kNextTokenLayers},
    {"gpt_oss", "gpt-oss", kLocal, kTopK, kWidth},
    {"granitemoe", "Granite-MoE", kLocal, kTopK, kWidth},
    {"switch_transformers", "Switch Transformer", "num_experts", "", "d_ff", MoePattern::kEncoderDecoder},
};

}  // namespace

std::span<const MoeFamily> moe_families() {
  return kFamilies;
}

const MoeFamily* find_moe_family(std::string_view model_type) {
  for (const MoeFamily& family : kFamilies) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

}  // namespace espalier
