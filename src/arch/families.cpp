#include "arch/family.h"

namespace espalier::arch {

// A row for each file of families/.
// clang-format off
#define ESPALIER_FAMILIES(FAMILY) \
  FAMILY(bert) \
  FAMILY(espalier_bert_moe) \
  FAMILY(espalier_vmoe) \
  FAMILY(mixtral) \
  FAMILY(phimoe) \
  FAMILY(qwen2_moe) \
  FAMILY(qwen3_moe) \
  FAMILY(qwen3_vl_moe) \
  FAMILY(qwen3_next) \
  FAMILY(qwen3_5_moe) \
  FAMILY(qwen4_exp) \
  FAMILY(olmoe) \
  FAMILY(deepseek) \
  FAMILY(deepseek_v2) \
  FAMILY(deepseek_v3) \
  FAMILY(deepseek_v32) \
  FAMILY(deepseek_v4) \
  FAMILY(glm4_moe) \
  FAMILY(glm4_moe_lite) \
  FAMILY(glm_moe_dsa) \
  FAMILY(glm5_next) \
  FAMILY(gpt_oss) \
  FAMILY(minimax) \
  FAMILY(minimax_m2) \
  FAMILY(minimax_m3_vl) \
  FAMILY(nemotron_h) \
  FAMILY(gemma4) \
  FAMILY(llama4) \
  FAMILY(mistral4) \
  FAMILY(mistral_large4) \
  FAMILY(mimo_v2_flash) \
  FAMILY(step3p5) \
  FAMILY(granitemoe) \
  FAMILY(granitemoe_swa) \
  FAMILY(afmoe) \
  FAMILY(axk1) \
  FAMILY(bailing_hybrid) \
  FAMILY(bailing_moe) \
  FAMILY(beam) \
  FAMILY(cohere2_moe) \
  FAMILY(dbrx) \
  FAMILY(dots1) \
  FAMILY(dots3_note) \
  FAMILY(ernie4_5_moe) \
  FAMILY(exaone_moe) \
  FAMILY(flex_olmo) \
  FAMILY(flint) \
  FAMILY(hunyuan_v1_moe) \
  FAMILY(hy_v3) \
  FAMILY(hy_v4) \
  FAMILY(inkling) \
  FAMILY(inkling2) \
  FAMILY(jamba) \
  FAMILY(jetmoe) \
  FAMILY(kimi_linear) \
  FAMILY(kolibri1) \
  FAMILY(laguna) \
  FAMILY(lara_mini) \
  FAMILY(lfm2_moe) \
  FAMILY(longcat_flash) \
  FAMILY(mellum) \
  FAMILY(muse_spark) \
  FAMILY(sarvam_moe) \
  FAMILY(solar_open) \
  FAMILY(switch_transformers) \
  FAMILY(zaya) \
  FAMILY(arctic) \
  FAMILY(smallthinker) \
  FAMILY(grove_moe) \
  FAMILY(qwen3_omni_moe) \
  FAMILY(grok) \
  FAMILY(llada_moe) \
  FAMILY(aria)
// clang-format on

#define ESPALIER_DECLARE(name) Family name();
ESPALIER_FAMILIES(ESPALIER_DECLARE)
#undef ESPALIER_DECLARE

namespace {

void add(std::vector<Family>& all, const Family& family) {
  all.push_back(family);
  for (const Variant& variant : family.variants) {
    Family& other = all.emplace_back(family);
    other.model_type = variant.model_type;
    other.title = variant.title;
    if (!variant.modules.empty()) other.modules = variant.modules;
    if (!variant.nested.empty()) other.config.nested = variant.nested;
    if (!variant.nested_type.empty()) other.config.nested_type = variant.nested_type;
    if (!variant.missing.empty()) other.can.missing = variant.missing;
  }
}

}  // namespace

std::span<const Family> families() {
  static const std::vector<Family> all = [] {
    std::vector<Family> families;
#define ESPALIER_ADD(name) add(families, name());
    ESPALIER_FAMILIES(ESPALIER_ADD)
#undef ESPALIER_ADD
    return families;
  }();
  return all;
}

}  // namespace espalier::arch
