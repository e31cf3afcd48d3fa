#include "artifacts/json_fields.h"

#include <cmath>

namespace espalier {

std::uint64_t whole_number(JsonObject& object, std::string_view key) {
  const nlohmann::json& found = object.value(key);
  if (!found.is_number_unsigned()) object.fail(key, "expected an integer of at least 0");
  return found.get<std::uint64_t>();
}

int small_count(JsonObject& object, std::string_view key, int least) {
  return static_cast<int>(object.integer(key, {least, INT32_MAX}));
}

std::optional<std::uint64_t> optional_whole_number(JsonObject& object, std::string_view key) {
  return object.has(key) ? std::optional(whole_number(object, key)) : std::nullopt;
}

std::optional<double> optional_number(JsonObject& object, std::string_view key) {
  return object.has(key) ? std::optional(object.number(key)) : std::nullopt;
}

std::optional<std::string> optional_string(JsonObject& object, std::string_view key) {
  return object.has(key) ? std::optional(object.string(key)) : std::nullopt;
}

nlohmann::ordered_json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

std::string to_json_text(const nlohmann::ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace espalier
