#include "options/option_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"

namespace espalier::options {

Option& OptionTable::append(Option option) {
  if (find(option.name) != nullptr) throw InternalError("the option " + option.name + " is described twice");
  option.default_words = option.read();
  const bool shown = option.kind != Kind::kFlag && !option.list && !option.default_words.empty();
  if (shown) option.default_text = option.default_words.front();
  return options_.emplace_back(std::move(option));
}

Option& OptionTable::flag(std::string name, bool& field, std::string help) {
  return flag(std::move(name), field, true, std::move(help));
}

Option& OptionTable::take(const OptionTable& other, std::string_view name, std::string_view as) {
  const Option* taken = other.find(name);
  if (taken == nullptr) throw InternalError("there is no option " + std::string(name) + " to take");
  Option option = *taken;
  if (!as.empty()) option.name = as;
  option.required = false;
  option.excludes.clear();
  const std::string shown = option.default_text;
  return append(std::move(option)).shows(shown);
}

const Option* OptionTable::find(std::string_view name) const {
  const auto found = std::ranges::find(options_, name, &Option::name);
  return found == options_.end() ? nullptr : &*found;
}

Option& OptionTable::at(std::string_view name) {
  const auto found = std::ranges::find(options_, name, &Option::name);
  if (found != options_.end()) return *found;
  std::vector<std::string_view> names;
  for (const Option& option : options_) names.push_back(option.name);
  fail_unknown("options", name, names);
}

void OptionTable::check() const {
  for (const Option& option : options_) {
    if (option.required && !option.given)
      throw UserError(fmt::format("{} is required", shown_name(option)),
                      option.help.substr(0, option.help.find('\n')));
    for (const std::string& other : option.excludes) {
      if (const Option* beside = find(other); option.given && beside != nullptr && beside->given)
        throw UserError(fmt::format("{} excludes {}", shown_name(option), shown_name(*beside)),
                        "give one or the other");
    }
  }
}

std::vector<std::string> command_line(std::string_view verb, const OptionTable& table) {
  std::vector<std::string> words{std::string(verb)};
  for (const Option& option : table.all())
    if (option.positional) std::ranges::copy(option.words(), std::back_inserter(words));
  for (const Option& option : table.all()) {
    if (option.positional || !option.changed()) continue;
    const auto values = option.words();
    const bool looks_like_option = values.size() == 1 && values.front().starts_with('-');
    if (looks_like_option) {
      words.push_back(fmt::format("--{}={}", option.name, values.front()));
      continue;
    }
    words.push_back("--" + option.name);
    if (option.kind != Kind::kFlag) std::ranges::copy(values, std::back_inserter(words));
  }
  return words;
}

}  // namespace espalier::options
