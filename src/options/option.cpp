#include "options/option.h"

#include <fmt/format.h>

#include "base/error.h"
#include "options/option_value.h"

namespace espalier::options {
namespace {

/// The words of a list, each divided where the divider stands.
std::vector<std::string> divided(std::span<const std::string> words, char divider) {
  std::vector<std::string> parts;
  for (const std::string& word : words) {
    std::size_t start = 0;
    for (std::size_t at = word.find(divider); at != std::string::npos; at = word.find(divider, start)) {
      parts.push_back(word.substr(start, at - start));
      start = at + 1;
    }
    parts.push_back(word.substr(start));
  }
  return parts;
}

}  // namespace

void Option::assign(std::span<const std::string> words) {
  const auto values = list && delimiter != '\0' ? divided(words, delimiter)
                                                : std::vector<std::string>(words.begin(), words.end());
  if (values.empty() || (!list && values.size() > 1))
    throw UserError(fmt::format("{}: found {} values, expected {}", shown_name(*this), values.size(),
                                list ? "one or more" : "one"),
                    {});
  if (!choices.empty())
    for (const std::string& value : values) choice_of(*this, value);
  write(*this, values);
  given = true;
}

Option& Option::require() {
  required = true;
  return *this;
}

Option& Option::writes() {
  written = true;
  return *this;
}

Option& Option::makes_its_folder() {
  makes_folder = true;
  return *this;
}

Option& Option::at_least(double least) {
  range.least = least;
  return *this;
}

Option& Option::above(double least) {
  range.above_least = true;
  return at_least(least);
}

Option& Option::between(double least, double most) {
  range.most = most;
  return at_least(least);
}

Option& Option::divided_by(char divider) {
  delimiter = divider;
  return *this;
}

Option& Option::without(std::string other) {
  excludes.push_back(std::move(other));
  return *this;
}

Option& Option::shows(std::string text) {
  default_text = std::move(text);
  return *this;
}

Option& Option::under(std::string heading) {
  group = std::move(heading);
  return *this;
}

Option& Option::among(std::vector<std::string> words) {
  choices = std::move(words);
  return *this;
}

std::string shown_name(const Option& option) {
  return option.positional ? option.metavar : "--" + option.name;
}

}  // namespace espalier::options
