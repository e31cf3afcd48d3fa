#include "artifacts/json_fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace espalier {
namespace {

using nlohmann::ordered_json;

bool fits_one_line(const ordered_json& value) {
  if (!value.is_structured() || value.empty()) return true;
  return value.is_array() && std::none_of(value.begin(), value.end(),
                                          [](const ordered_json& item) { return item.is_structured(); });
}

void append_readable(std::string& text, const ordered_json& value, std::size_t indent) {
  if (fits_one_line(value)) {
    text += to_json_text(value, -1);
    return;
  }
  char separator = value.is_array() ? '[' : '{';
  for (const auto& [key, item] : value.items()) {
    text += separator;
    text += '\n';
    text.append(indent + 2, ' ');
    if (value.is_object()) text += to_json_text(key, -1) + ": ";
    append_readable(text, item, indent + 2);
    separator = ',';
  }
  text += '\n';
  text.append(indent, ' ');
  text += value.is_array() ? ']' : '}';
}

}  // namespace

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

std::optional<int> key_as_number(std::string_view key, int below) {
  int number = -1;
  const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), number);
  const bool canonical = end == key.data() + key.size() && std::to_string(number) == key;
  if (failure != std::errc{} || !canonical || number < 0 || number >= below) return std::nullopt;
  return number;
}

nlohmann::ordered_json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

std::string to_json_text(const nlohmann::ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string to_readable_json_text(const nlohmann::ordered_json& value) {
  std::string text;
  append_readable(text, value, 0);
  return text + "\n";
}

}  // namespace espalier
