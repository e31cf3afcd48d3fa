#include <nlohmann/json.hpp>
#include <optional>

#include "arch/tensor_names.h"
#include "surgery/config_after.h"
#include "surgery/renumbering.h"

namespace espalier {
namespace {

using nlohmann::json;

/// The name afterwards; nullopt when what it names is gone.
std::optional<std::string> name_after(const std::string& name, const Renumbering& numbers,
                                      const arch::TensorNames& names) {
  const auto parsed = names.parse(name);
  if (!parsed || parsed->part != arch::MoePart::kExpert) {
    const auto block = names.block(name);
    return block && numbers.is_gone(*block) ? std::nullopt : std::optional(name);
  }
  const auto expert = numbers.after(parsed->block, parsed->expert);
  return expert ? std::optional(arch::renumbered(name, *parsed, *expert)) : std::nullopt;
}

json renumbered_value(const json& value, const Renumbering& numbers, const arch::TensorNames& names) {
  if (value.is_array()) {
    json result = json::array();
    for (const json& item : value) {
      if (!item.is_string()) {
        result.push_back(renumbered_value(item, numbers, names));
      } else if (auto name = name_after(item.get<std::string>(), numbers, names)) {
        result.push_back(*name);
      }
    }
    return result;
  }
  if (value.is_object()) {
    json result = json::object();
    for (const auto& item : value.items()) {
      if (auto name = name_after(item.key(), numbers, names))
        result[*name] = renumbered_value(item.value(), numbers, names);
    }
    return result;
  }
  return value;
}

}  // namespace

json renumber_modules(const json& settings, const Surgery& surgery) {
  if (surgery.zero_fills()) return settings;
  return renumbered_value(settings, Renumbering(surgery), arch::names_of(surgery.topology.model_type));
}

}  // namespace espalier
