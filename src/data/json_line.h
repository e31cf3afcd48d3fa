#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace espalier {

/// A line of JSON Lines; `where` names file and line. Throws UserError.
nlohmann::json parse_json_line(std::string_view line, const std::string& where);

}  // namespace espalier
