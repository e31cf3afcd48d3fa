#include "surgery/config_after.h"

#include <array>

#include "arch/bert_after_plan.h"
#include "arch/bert_config.h"
#include "arch/moe_config.h"
#include "arch/moe_families.h"
#include "arch/vmoe_after_plan.h"

namespace espalier {
namespace {

using nlohmann::json;

/// Fields by which other versions of a library say the same.
constexpr std::array<const char*, 4> kCountFields{"num_local_experts", "num_experts", "n_routed_experts",
                                                  "moe_num_experts"};
constexpr std::array<const char*, 3> kTopKFields{"num_experts_per_tok", "experts_per_token",
                                                 "num_experts_per_token"};

/// One number, or a list with an entry for each block where layers differ.
json count_after(const Surgery& surgery, std::size_t blocks) {
  json list = json::array();
  for (std::size_t block = 0; block < blocks; ++block) list.push_back(nullptr);
  bool equal = true;
  for (std::size_t i = 0; i < surgery.layers.size(); ++i) {
    const MoeLayerTensors& layer = surgery.topology.layers[i];
    if (layer.kind == MoeLayerKind::kNextToken) continue;
    list[static_cast<std::size_t>(layer.layer)] = surgery.experts_after(i);
    equal = equal && surgery.experts_after(i) == surgery.experts_after(0);
  }
  return equal ? json(surgery.experts_after(0)) : list;
}

/// Sets `field`, and the others of `fields` that are there with the same value.
template <std::size_t N>
void set(json& config, std::string_view field, const std::array<const char*, N>& fields, const json& value) {
  const json before = config.at(std::string(field));
  if (before == value) return;
  for (const char* other : fields) {
    if (const auto found = config.find(other); found != config.end() && *found == before) *found = value;
  }
  config[std::string(field)] = value;
}

json language_model_config(const json& config, std::string_view source, const Surgery& surgery) {
  const MoeFamily& family = *find_moe_family(surgery.topology.model_type);
  const MoeConfig moe = parse_moe_config(config, source);
  json result = config;
  set(result, family.experts_field, kCountFields, count_after(surgery, moe.experts.size()));
  if (!family.experts_per_token_field.empty())
    set(result, family.experts_per_token_field, kTopKFields, surgery.experts_per_token);
  if (surgery.options.groups == RouterGroups::kReset && moe.groups > 1)
    result["n_group"] = result["topk_group"] = 1;
  if (surgery.options.next_token == NextTokenLayers::kDrop && moe.next_token_layers > 0)
    result["num_nextn_predict_layers"] = 0;
  if (const auto found = result.find("quantization_config"); found != result.end())
    *found = renumber_modules(*found, surgery);
  return result;
}

}  // namespace

json config_after(const json& config, std::string_view source, const Surgery& surgery, const Plan& plan) {
  if (surgery.topology.model_type == kVmoeModelType) {
    VmoeConfig vmoe = parse_vmoe_config(config, source);
    describe_plan(plan, vmoe);
    const json after = to_json(vmoe);
    return after == to_json(parse_vmoe_config(config, source)) ? config : after;
  }
  if (surgery.topology.model_type != kBertMoeModelType) return language_model_config(config, source, surgery);
  BertMoeConfig bert = parse_bert_config(config, source);
  const json before = to_json(bert);
  if (!surgery.zero_fills()) describe_plan(plan, bert);
  json after = to_json(bert);
  return after == before ? config : after;
}

}  // namespace espalier
