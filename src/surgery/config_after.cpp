#include "surgery/config_after.h"

#include <nlohmann/json.hpp>

#include "arch/after_plan.h"
#include "arch/family.h"

namespace espalier {
namespace {

using nlohmann::json;

/// What the plan and the options make of the model.
arch::ModelSpec spec_after(const arch::ModelSpec& spec, const Surgery& surgery, const Plan& plan) {
  Plan written = plan;
  if (surgery.zero_fills()) written.layers.clear();  // counts stay
  arch::ModelSpec after = arch::after_plan(spec, written);
  for (arch::BlockSpec& block : after.blocks) {
    if (surgery.options.groups == RouterGroups::kReset && block.moe() != nullptr)
      block.moe()->router.rule.groups = block.moe()->router.rule.top_groups = 1;
  }
  if (surgery.options.next_token == NextTokenLayers::kDrop) after.next_token = {};
  return after;
}

}  // namespace

json config_after(const json& config, std::string_view source, const Surgery& surgery, const Plan& plan) {
  const arch::ModelSpec before = arch::read_spec(config, source);
  const arch::ModelSpec after = spec_after(before, surgery, plan);
  json result = after == before ? config : arch::write_spec(after, config);
  if (const auto found = result.find("quantization_config"); found != result.end())
    *found = renumber_modules(*found, surgery);
  return result;
}

}  // namespace espalier
