#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "options/option.h"
#include "options/option_value.h"

namespace espalier::options {

namespace detail {

/// std::optional<T> and std::vector<T> hold T.
template <typename T>
struct Held {
  using type = T;
  static constexpr bool optional = false, list = false;
};
template <typename T>
struct Held<std::optional<T>> {
  using type = T;
  static constexpr bool optional = true, list = false;
};
template <typename T>
struct Held<std::vector<T>> {
  using type = T;
  static constexpr bool optional = false, list = true;
};

}  // namespace detail

/// The options of a verb, in the order in which they are shown: one list from which the command line, the
/// TOML keys, `--help` and docs/verbs.md are made. It writes into the Options that were described, which
/// outlive it:
///
///     void describe(OptionTable& table, ScoreOptions& options) {
///       table.positional("input", options.input, "OBS|MODEL", "observations, or a model's
///       folder").require(); table.add("min-tokens", options.min_tokens, "N", "protect experts that got
///       fewer").at_least(0);
///     }
///
/// A field is a std::string, path, number or bool, or an optional or vector of one. Defaults are what the
/// fields hold when they are described.
class OptionTable {
 public:
  OptionTable() = default;
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;

  template <typename T>
  Option& add(std::string name, T& field, std::string metavar, std::string help);
  /// Told by its place on the command line.
  template <typename T>
  Option& positional(std::string name, T& field, std::string metavar, std::string help);
  Option& flag(std::string name, bool& field, std::string help);
  /// A flag that sets `field` to `on`.
  template <typename E>
  Option& flag(std::string name, E& field, E on, std::string help);
  /// One of the words; E may be optional. The default is shown unless the field is without a value.
  template <typename E>
  Option& choice(std::string name, E& field, std::string metavar,
                 std::vector<std::pair<std::string, typename detail::Held<E>::type>> words, std::string help);
  /// A size: "20GB"; T is std::uint64_t, or optional.
  template <typename T>
  Option& bytes(std::string name, T& field, std::string help);
  /// An option of another table, maybe under another name: it writes into the same field.
  Option& take(const OptionTable& other, std::string_view name, std::string_view as = {});

  const std::deque<Option>& all() const { return options_; }
  bool empty() const { return options_.empty(); }
  const Option* find(std::string_view name) const;
  /// Throws UserError with the nearest name where there is none.
  Option& at(std::string_view name);
  /// Sets one by name; see Option::assign.
  void set(std::string_view name, std::span<const std::string> words) { at(name).assign(words); }
  /// Throws UserError for a required option that was not given, and for two that exclude each other.
  void check() const;

 private:
  Option& append(Option option);
  template <typename T>
  Option& append_field(std::string name, T& field, std::string metavar, std::string help, bool positional);

  std::deque<Option> options_;  // a deque: references stay
};

/// The command line that sets what is not at its default: {"score", "obs", "--min-tokens", "4"}.
std::vector<std::string> command_line(std::string_view verb, const OptionTable& table);

/// The same of Options with a `describe` beside them.
template <typename Options>
std::vector<std::string> command_line(std::string_view verb, const Options& options) {
  Options described;  // with the defaults
  OptionTable table;
  describe(table, described);
  described = options;
  return command_line(verb, table);
}

// ---------------------------------------------------------------------------------------------------------

template <typename T>
Option& OptionTable::append_field(std::string name, T& field, std::string metavar, std::string help,
                                  bool positional) {
  using Kept = detail::Held<T>;
  using Value = typename Kept::type;
  Option option;
  option.name = std::move(name);
  option.metavar = std::move(metavar);
  option.help = std::move(help);
  option.kind = kind_of<Value>();
  option.list = Kept::list;
  option.written = option.name == "out";
  option.positional = positional;
  option.write = [&field](const Option& self, const std::vector<std::string>& words) {
    if constexpr (Kept::list) {
      field.clear();
      for (const std::string& word : words) field.push_back(value_of<Value>(self, word));
    } else {
      field = value_of<Value>(self, words.front());
    }
  };
  option.read = [&field]() -> std::vector<std::string> {
    std::vector<std::string> words;
    if constexpr (Kept::list) {
      for (const Value& value : field) words.push_back(word_of<Value>(value));
    } else if constexpr (Kept::optional) {
      if (field) words.push_back(word_of<Value>(*field));
    } else {
      if (const std::string word = word_of(field); !word.empty()) words.push_back(word);
    }
    return words;
  };
  return append(std::move(option));
}

template <typename T>
Option& OptionTable::add(std::string name, T& field, std::string metavar, std::string help) {
  return append_field(std::move(name), field, std::move(metavar), std::move(help), false);
}

template <typename T>
Option& OptionTable::positional(std::string name, T& field, std::string metavar, std::string help) {
  return append_field(std::move(name), field, std::move(metavar), std::move(help), true);
}

template <typename E>
Option& OptionTable::flag(std::string name, E& field, E on, std::string help) {
  Option option;
  option.name = std::move(name);
  option.help = std::move(help);
  option.kind = Kind::kFlag;
  option.write = [&field, on, off = field](const Option& self, const std::vector<std::string>& words) {
    field = flag_of(self, words.front()) ? on : off;
  };
  option.read = [&field, on] {
    return field == on ? std::vector<std::string>{"true"} : std::vector<std::string>{};
  };
  return append(std::move(option));
}

template <typename E>
Option& OptionTable::choice(std::string name, E& field, std::string metavar,
                            std::vector<std::pair<std::string, typename detail::Held<E>::type>> words,
                            std::string help) {
  Option option;
  option.name = std::move(name);
  option.metavar = std::move(metavar);
  option.help = std::move(help);
  option.kind = Kind::kChoice;
  for (const auto& [word, value] : words) option.choices.push_back(word);
  option.write = [&field, words](const Option& self, const std::vector<std::string>& given) {
    field = words[choice_of(self, given.front())].second;
  };
  option.read = [&field, words] {
    std::vector<std::string> found;
    for (const auto& [word, value] : words)
      if (field == value) found.push_back(word);
    return found;
  };
  return append(std::move(option));
}

template <typename T>
Option& OptionTable::bytes(std::string name, T& field, std::string help) {
  Option& option = add(std::move(name), field, "BYTES", std::move(help));
  option.kind = Kind::kBytes;
  option.write = [&field](const Option& self, const std::vector<std::string>& words) {
    field = bytes_of(self, words.front());
  };
  return option;
}

}  // namespace espalier::options
