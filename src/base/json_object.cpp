#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/nearest.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr std::size_t kMostListed = 20;  // keys in a hint

std::string shorten(const json& value) {
  constexpr std::size_t kLongest = 60;
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

std::string describe(IntegerRange range) {
  constexpr IntegerRange kAny;
  if (range.min == kAny.min && range.max == kAny.max) return "an integer";
  if (range.max == kAny.max) return fmt::format("an integer of at least {}", range.min);
  if (range.min == kAny.min) return fmt::format("an integer of at most {}", range.max);
  return fmt::format("an integer from {} to {}", range.min, range.max);
}

std::string describe(NumberRange range) {
  if (std::isinf(range.min) && std::isinf(range.max)) return "a number";
  if (std::isinf(range.max)) return fmt::format("a number of at least {}", range.min);
  if (std::isinf(range.min)) return fmt::format("a number of at most {}", range.max);
  return fmt::format("a number from {} to {}", range.min, range.max);
}

std::optional<std::int64_t> as_integer(const json& value, IntegerRange range) {
  if (!value.is_number_integer()) return std::nullopt;
  // An unsigned number past 2^63 would wrap round in get<int64_t>.
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  const auto number = value.get<std::int64_t>();
  if (number < range.min || number > range.max) return std::nullopt;
  return number;
}

std::optional<double> as_number(const json& value, NumberRange range) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  if (!std::isfinite(number) || number < range.min || number > range.max) return std::nullopt;
  return number;
}

}  // namespace

JsonObject::JsonObject(json value, std::string source, std::string path)
    : value_(std::move(value)), source_(std::move(source)), path_(std::move(path)) {
  if (!value_.is_object()) {
    throw UserError(fmt::format("{}: {}found {}, expected a JSON object", source_,
                                path_.empty() ? "" : fmt::format("{}: ", path_), shorten(value_)),
                    "write it as {..}, or take the file anew from where it came");
  }
}

std::string JsonObject::field(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void JsonObject::fail(std::string_view key, std::string_view message, std::string hint) const {
  throw UserError(fmt::format("{}: {}: {}", source_, field(key), message), std::move(hint));
}

void JsonObject::wrong_type(std::string_view key, const json& found, std::string_view expected) const {
  fail(key, fmt::format("found {}, expected {}", shorten(found), expected));
}

const json* JsonObject::find_value(std::string_view key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  const auto found = value_.find(std::string(key));
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

const json& JsonObject::value(std::string_view key) {
  if (const json* found = find_value(key)) return *found;
  std::vector<std::string> keys;
  for (const auto& item : value_.items()) keys.push_back(shorten(item.key()));
  const bool many = keys.size() > kMostListed;
  if (many) keys.resize(kMostListed);
  throw UserError(fmt::format("{}: the field {} is missing", source_, field(key)),
                  keys.empty()
                      ? "the object is empty"
                      : fmt::format("its fields are {}{}", fmt::join(keys, ", "), many ? ", .." : ""));
}

bool JsonObject::has(std::string_view key) {
  return find_value(key) != nullptr;
}

std::int64_t JsonObject::integer(std::string_view key, IntegerRange range) {
  const json& found = value(key);
  if (const auto number = as_integer(found, range)) return *number;
  wrong_type(key, found, describe(range));
}

std::int64_t JsonObject::integer(std::string_view key, IntegerRange range, std::int64_t fallback) {
  return has(key) ? integer(key, range) : fallback;
}

double JsonObject::number(std::string_view key, NumberRange range) {
  const json& found = value(key);
  if (const auto number = as_number(found, range)) return *number;
  wrong_type(key, found, describe(range));
}

double JsonObject::number(std::string_view key, NumberRange range, double fallback) {
  return has(key) ? number(key, range) : fallback;
}

bool JsonObject::boolean(std::string_view key) {
  const json& found = value(key);
  if (!found.is_boolean()) wrong_type(key, found, "true or false");
  return found.get<bool>();
}

bool JsonObject::boolean(std::string_view key, bool fallback) {
  return has(key) ? boolean(key) : fallback;
}

std::string JsonObject::string(std::string_view key) {
  const json& found = value(key);
  if (!found.is_string()) wrong_type(key, found, "a string");
  return found.get<std::string>();
}

std::string JsonObject::string(std::string_view key, std::string_view fallback) {
  return has(key) ? string(key) : std::string(fallback);
}

std::vector<std::int64_t> JsonObject::integers(std::string_view key, IntegerRange range) {
  const json& found = value(key);
  if (!found.is_array()) wrong_type(key, found, "an array of integers");
  std::vector<std::int64_t> result;
  for (const json& item : found) {
    const auto number = as_integer(item, range);
    if (!number) wrong_type(fmt::format("{}[{}]", key, result.size()), item, describe(range));
    result.push_back(*number);
  }
  return result;
}

std::vector<double> JsonObject::numbers(std::string_view key, NumberRange range) {
  const json& found = value(key);
  if (!found.is_array()) wrong_type(key, found, "an array of numbers");
  std::vector<double> result;
  for (const json& item : found) {
    const auto number = as_number(item, range);
    if (!number) wrong_type(fmt::format("{}[{}]", key, result.size()), item, describe(range));
    result.push_back(*number);
  }
  return result;
}

std::vector<std::string> JsonObject::strings(std::string_view key) {
  const json& found = value(key);
  if (!found.is_array()) wrong_type(key, found, "an array of strings");
  std::vector<std::string> result;
  for (const json& item : found) {
    if (!item.is_string()) wrong_type(fmt::format("{}[{}]", key, result.size()), item, "a string");
    result.push_back(item.get<std::string>());
  }
  return result;
}

JsonObject JsonObject::object(std::string_view key) {
  return {value(key), source_, field(key)};
}

std::vector<JsonObject> JsonObject::objects(std::string_view key) {
  const json& found = value(key);
  if (!found.is_array()) wrong_type(key, found, "an array of objects");
  std::vector<JsonObject> result;
  for (const json& item : found) {
    result.emplace_back(item, source_, fmt::format("{}[{}]", field(key), result.size()));
  }
  return result;
}

void JsonObject::expect_format(std::string_view kind, int version) {
  const std::string expected = fmt::format("espalier.{}/{}", kind, version);
  const std::string found = string("format");
  if (found == expected) return;
  fail("format", fmt::format("found \"{}\", expected \"{}\"", found, expected),
       found.starts_with(fmt::format("espalier.{}/", kind)) ? "the file is from another version of espalier"
                                                            : "this is another kind of file");
}

void JsonObject::finish() const {
  const std::vector<std::string_view> known(asked_.begin(), asked_.end());
  for (const auto& item : value_.items()) {
    if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
    throw UserError(fmt::format("{}: unknown field {}", source_, field(item.key())),
                    suggestion(item.key(), known));
  }
}

}  // namespace espalier
