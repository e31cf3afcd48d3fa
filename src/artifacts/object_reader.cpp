#include "artifacts/object_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/error.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

/// A value for an error message: short, on one line.
std::string brief(const json& value) {
  constexpr std::size_t kLongest = 40;
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("an array of {}", value.size());
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

/// Refuses what json::parse lets pass: repeated keys (it keeps the last) and bottomless nesting.
class StrictParse {
 public:
  explicit StrictParse(std::string_view where) : where_(where) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMaxDepth) {
      throw UserError(fmt::format("{}: JSON nested more than {} deep", where_, kMaxDepth));
    }
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event == json::parse_event_t::key && !open_.back().insert(parsed.get<std::string>()).second) {
      throw UserError(fmt::format("{}: key {} appears twice in one object", where_, brief(parsed)));
    }
    return true;
  }

 private:
  std::string_view where_;
  std::vector<std::set<std::string>> open_;
};

}  // namespace

json parse_json(std::string_view text, std::string_view where) {
  try {
    // The callback is copied by nlohmann; the state must not be.
    StrictParse strict(where);
    return json::parse(text.begin(), text.end(), [&](int depth, json::parse_event_t event, json& parsed) {
      return strict(depth, event, parsed);
    });
  } catch (const json::exception& error) {
    std::string_view reason = error.what();
    if (const auto bracket = reason.find("] "); bracket != std::string_view::npos) {
      reason.remove_prefix(bracket + 2);
    }
    throw UserError(fmt::format("{}: not JSON: {}", where, reason),
                    "the file may be cut off, or not be what its name says");
  }
}

ObjectReader::ObjectReader(const json& value, std::string_view where) : object_(&value), where_(where) {
  if (!value.is_object()) {
    throw UserError(fmt::format("{}: found {}, expected a JSON object", where_, brief(value)));
  }
}

void ObjectReader::format(std::string_view kind) {
  const std::string expected = fmt::format("espalier.{}/1", kind);
  const json* found = find("format");
  if (found && *found == expected) return;
  throw UserError(fmt::format("{}: \"format\" is {}, expected \"{}\"", where_,
                              found ? brief(*found) : "absent", expected),
                  "another kind of file, or one written by a newer Espalier");
}

const json* ObjectReader::find(std::string_view key) {
  asked_.emplace_back(key);
  const auto found = object_->find(asked_.back());
  return found == object_->end() ? nullptr : &*found;
}

const json& ObjectReader::value(std::string_view key) {
  const json* found = find(key);
  if (!found) throw UserError(fmt::format("{}: \"{}\" is missing", where_, key));
  return *found;
}

void ObjectReader::wrong(std::string_view key, std::string_view expected) const {
  const auto found = object_->find(std::string(key));
  throw UserError(fmt::format("{}: \"{}\" is {}, expected {}", where_, key,
                              found == object_->end() ? "absent" : brief(*found), expected));
}

std::string ObjectReader::text(std::string_view key) {
  const json& found = value(key);
  if (!found.is_string()) wrong(key, "a string");
  return found.get<std::string>();
}

std::int64_t ObjectReader::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const json& found = value(key);
  const bool too_large = found.is_number_unsigned() && found.get<std::uint64_t>() > std::uint64_t{INT64_MAX};
  if (!found.is_number_integer() || too_large) wrong(key, "an integer");
  const auto number = found.get<std::int64_t>();
  if (number < least || number > most) wrong(key, fmt::format("an integer from {} to {}", least, most));
  return number;
}

std::uint64_t ObjectReader::whole(std::string_view key) {
  const json& found = value(key);
  if (!found.is_number_unsigned()) wrong(key, "an integer of 0 or more");
  return found.get<std::uint64_t>();
}

double ObjectReader::number(std::string_view key) {
  const std::optional<double> found = as_number(value(key));
  if (!found) wrong(key, "a number");
  return *found;
}

std::vector<std::string> ObjectReader::texts(std::string_view key) {
  std::vector<std::string> result;
  for (const json& item : array(key)) {
    if (!item.is_string()) wrong(key, "an array of strings");
    result.push_back(item.get<std::string>());
  }
  return result;
}

const json& ObjectReader::array(std::string_view key) {
  const json& found = value(key);
  if (!found.is_array()) wrong(key, "an array");
  return found;
}

std::optional<std::string> ObjectReader::optional_text(std::string_view key) {
  return find(key) ? std::optional(text(key)) : std::nullopt;
}

std::optional<std::uint64_t> ObjectReader::optional_whole(std::string_view key) {
  return find(key) ? std::optional(whole(key)) : std::nullopt;
}

std::optional<double> ObjectReader::optional_number(std::string_view key) {
  return find(key) ? std::optional(number(key)) : std::nullopt;
}

void ObjectReader::finish() const {
  for (const auto& [key, ignored] : object_->items()) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    std::string hint;
    if (!asked_.empty()) {
      const auto nearest = std::min_element(asked_.begin(), asked_.end(), [&](auto& a, auto& b) {
        return edit_distance(a, key) < edit_distance(b, key);
      });
      hint = fmt::format("the nearest key that exists is \"{}\"", *nearest);
    }
    throw UserError(fmt::format("{}: unknown key {}", where_, brief(json(key))), hint);
  }
}

nlohmann::ordered_json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

std::optional<double> as_number(const json& value) {
  if (value.is_null()) return std::nan("");
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

std::string to_text(const nlohmann::ordered_json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace espalier
