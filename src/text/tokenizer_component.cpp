#include "text/tokenizer_component.h"

#include <fmt/format.h>

#include "base/error.h"

namespace espalier {
namespace {

constexpr int kMaxDepth = 8;

}  // namespace

TokenizerComponent open_component(const nlohmann::json& component, const std::string& where, int depth) {
  if (depth > kMaxDepth)
    throw UserError(fmt::format("{}: sequences nested too deep", where),
                    "take the tokenizer anew from where it came");
  JsonObject options(component, where);
  std::string type = options.string("type");
  return {std::move(type), std::move(options)};
}

const nlohmann::json& component_list(JsonObject& options, std::string_view key) {
  const nlohmann::json& list = options.value(key);
  if (!list.is_array()) options.fail(key, "expected an array of components");
  return list;
}

void unknown_component(std::string_view type, std::string_view where, std::string_view known) {
  throw UserError(fmt::format("{}: unknown component \"{}\"", where, type),
                  fmt::format("known here: {}", known));
}

}  // namespace espalier
