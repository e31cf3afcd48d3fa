#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace espalier {

/// A component of a tokenizer.json: {"type": NAME, options..}. Unknown options are other programs' business;
/// unknown types are an error. `where` is "FILE: normalizer[1]".
struct TokenizerComponent {
  std::string type;
  JsonObject options;
};

/// `depth` counts sequences inside sequences; throws UserError where it is absurd, or there is no type.
TokenizerComponent open_component(const nlohmann::json& component, const std::string& where, int depth);

/// The array of components at `key`.
const nlohmann::json& component_list(JsonObject& options, std::string_view key);

[[noreturn]] void unknown_component(std::string_view type, std::string_view where, std::string_view known);

}  // namespace espalier
