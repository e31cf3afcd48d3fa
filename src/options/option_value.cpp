#include "options/option_value.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/nearest.h"

namespace espalier::options {
namespace {

/// " from 1 to 1024", " above 0", "": the numbers that an option takes.
std::string range_text(const Range& range) {
  std::string text;
  if (range.least) text += fmt::format(" {} {}", range.above_least ? "above" : "from", *range.least);
  if (range.most) text += fmt::format(" to {}", *range.most);
  return range.least && !range.most && !range.above_least ? text + " on" : text;
}

[[noreturn]] void fail(const Option& option, std::string_view word, std::string_view expected) {
  throw UserError(fmt::format("{}: found {}, expected {}{}", shown_name(option), word, expected,
                              range_text(option.range)),
                  {});
}

/// Throws UserError for a number outside the option's range.
void check_range(const Option& option, std::string_view word, double value, std::string_view expected) {
  const auto& [least, most, above_least] = option.range;
  const bool small = least && (value < *least || (above_least && value == *least));
  if (small || (most && value > *most)) fail(option, word, expected);
}

template <typename Number>
std::optional<Number> parsed(std::string_view word) {
  if (word.size() > 1 && word.front() == '+') word.remove_prefix(1);
  Number value{};
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (failure != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

constexpr std::string_view kWhole = "a whole number";

/// "1.5" times base^power: 0.1MB is 100,000 bytes. Nothing where that is no whole number, or 2^63 or more.
std::optional<std::uint64_t> scaled(std::string_view decimal, std::uint64_t base, std::size_t power) {
  const std::size_t point = std::min(decimal.find('.'), decimal.size());
  const std::string_view behind = decimal.substr(std::min(point + 1, decimal.size()));
  const auto digits = parsed<std::uint64_t>(std::string(decimal.substr(0, point)).append(behind));
  if (!digits || point == 0 || (point < decimal.size() && behind.empty())) return std::nullopt;
  unsigned __int128 bytes = *digits;
  for (std::size_t i = 0; i < power; ++i) bytes *= base;  // below 2^64 * 2^60
  for (std::size_t i = 0; i < behind.size(); ++i) {
    if (bytes % 10 != 0) return std::nullopt;
    bytes /= 10;
  }
  return bytes < (unsigned __int128){1} << 63 ? std::optional(static_cast<std::uint64_t>(bytes))
                                              : std::nullopt;
}

}  // namespace

std::int64_t integer_of(const Option& option, const std::string& word, std::int64_t least,
                        std::int64_t most) {
  const auto value = parsed<std::int64_t>(word);
  if (!value || *value < least || *value > most) fail(option, word, kWhole);
  check_range(option, word, static_cast<double>(*value), kWhole);
  return *value;
}

std::uint64_t natural_of(const Option& option, const std::string& word) {
  const auto value = parsed<std::uint64_t>(word);
  if (!value) fail(option, word, option.range.least ? kWhole : "a whole number from 0 on");
  check_range(option, word, static_cast<double>(*value), kWhole);
  return *value;
}

double number_of(const Option& option, const std::string& word) {
  const auto value = parsed<double>(word);
  if (!value || !std::isfinite(*value)) fail(option, word, "a number");
  check_range(option, word, *value, "a number");
  return *value;
}

bool flag_of(const Option& option, const std::string& word) {
  if (word == "true" || word == "1" || word == "on" || word == "yes") return true;
  if (word == "false" || word == "0" || word == "off" || word == "no") return false;
  fail(option, word, "true or false");
}

std::uint64_t bytes_of(const Option& option, const std::string& word) {
  const std::size_t digits = std::min(word.find_first_not_of("0123456789."), word.size());
  std::string unit = word.substr(digits);
  std::erase(unit, ' ');
  std::ranges::transform(unit, unit.begin(), [](unsigned char c) { return std::tolower(c); });
  if (unit.ends_with('b')) unit.pop_back();
  const std::uint64_t base = unit.ends_with('i') ? 1024 : 1000;
  if (unit.ends_with('i')) unit.pop_back();
  constexpr std::string_view kPrefixes = "kmgtpe";
  const std::size_t power = unit.empty() ? 0 : kPrefixes.find(unit) + 1;  // npos + 1 is 0
  const bool known = unit.empty() || (unit.size() == 1 && power > 0);
  const auto count = known ? scaled(word.substr(0, digits), base, power) : std::nullopt;
  if (!count) fail(option, word, "a whole number of bytes such as 20GB, 1.5GB or 4096");
  return *count;
}

std::size_t choice_of(const Option& option, const std::string& word) {
  const auto found = std::ranges::find(option.choices, word);
  if (found != option.choices.end()) return static_cast<std::size_t>(found - option.choices.begin());
  const std::vector<std::string_view> names(option.choices.begin(), option.choices.end());
  const auto near = nearest(word, names);
  throw UserError(
      fmt::format("{}: found {}, expected {}", shown_name(option), word, fmt::join(option.choices, ", ")),
      near ? fmt::format("did you mean {}?", *near) : "");
}

std::string word_of_number(double value) {
  return fmt::to_string(value);
}

}  // namespace espalier::options
