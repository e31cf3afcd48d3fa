#include "arch/family.h"

namespace espalier::arch {

// One file of families/ each.
Family bert(), espalier_bert_moe(), espalier_vmoe(), mixtral(), phimoe(), qwen2_moe(), qwen3_moe(),
    qwen3_vl_moe(), olmoe(), deepseek(), deepseek_v2(), deepseek_v3(), glm4_moe(), glm4_moe_lite(), gpt_oss(),
    granitemoe(), switch_transformers();

std::span<const Family> families() {
  static const Family all[] = {
      bert(),        espalier_bert_moe(),  espalier_vmoe(), mixtral(),       phimoe(),
      qwen2_moe(),   qwen3_moe(),          qwen3_vl_moe(),  olmoe(),         deepseek(),
      deepseek_v2(), deepseek_v3(),        glm4_moe(),      glm4_moe_lite(), gpt_oss(),
      granitemoe(),  switch_transformers()};
  return all;
}

}  // namespace espalier::arch
