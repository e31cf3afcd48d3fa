#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace espalier {

// What the artifacts' formats need beyond JsonObject. A number that is not finite is null in JSON.

std::uint64_t whole_number(JsonObject& object, std::string_view key);  ///< required, 0 to 2^64 - 1
int small_count(JsonObject& object, std::string_view key, int least);  ///< required, least to 2^31 - 1

/// Absent and null give nothing.
std::optional<std::uint64_t> optional_whole_number(JsonObject& object, std::string_view key);
std::optional<double> optional_number(JsonObject& object, std::string_view key);
std::optional<std::string> optional_string(JsonObject& object, std::string_view key);

/// A JSON key that is a number from 0 to `below` - 1, as it would be written ("01" and "+1" are not).
std::optional<int> key_as_number(std::string_view key, int below);

/// A finite double as a number, any other as null.
nlohmann::ordered_json number_or_null(double value);

/// JSON text with the keys in the order given; bytes that are not UTF-8 become U+FFFD. `indent` -1 gives one
/// line.
std::string to_json_text(const nlohmann::ordered_json& value, int indent);
/// The same, indented by two, with arrays of plain values on one line each and a newline at the end.
std::string to_readable_json_text(const nlohmann::ordered_json& value);

}  // namespace espalier
