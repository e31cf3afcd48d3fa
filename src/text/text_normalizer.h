#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace espalier {

/// What a tokenizer does to a text (well-formed UTF-8) before it is split, in place.
using TextNormalizer = std::function<void(std::string& text)>;

/// The "normalizer" of a tokenizer.json; null leaves texts as they are. Throws UserError beginning with
/// `where` for a component or option that is not known.
TextNormalizer make_normalizer(const nlohmann::json& component, const std::string& where);

/// The "pattern" of a component, {"String": ".."} or {"Regex": ".."}, as an expression.
std::string expression_of(const nlohmann::json& pattern, const std::string& where);

}  // namespace espalier
