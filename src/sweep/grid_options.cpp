#include "sweep/grid_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace espalier {
namespace {

bool contains(const auto& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::optional<std::vector<std::string>> value_of(const TomlTable& table, const GridOption& option) {
  const auto on = table.boolean(option.name);
  if (option.value == GridValue::kFlag) {
    if (!on) table.fail(option.name, "expected true or false");
    return *on ? std::optional(std::vector<std::string>{}) : std::nullopt;
  }
  auto words = table.words(option.name);
  if (option.value == GridValue::kOne && table.is_list(option.name))
    table.fail(option.name, "found a list, expected one value");
  if (words.empty()) table.fail(option.name, "the list is empty, expected at least one");
  return words;
}

template <typename T>
void check_items(const TomlTable& table, std::string_view key, std::span<const T> items) {
  if (items.empty()) table.fail(key, "the list is empty, expected at least one");
  std::set<T> seen;
  for (const auto& item : items)
    if (!seen.insert(item).second) table.fail(key, fmt::format("{} is listed twice", item));
}

}  // namespace

OptionValues read_options(const TomlTable& table, std::span<const GridOption> known,
                          const std::vector<std::string>& others, std::span<const std::string_view> own) {
  std::vector<std::string> names = others;
  for (const auto& option : known) names.push_back(option.name);
  OptionValues values;
  for (const auto& key : table.keys()) {
    if (contains(others, key)) continue;
    if (contains(own, key))
      table.fail(
          key, "the sweep gives this option to each run itself",
          "what differs between runs has its own place in a grid; --out and --threads are options of sweep");
    table.check_keys(names);
    values[key] = value_of(table, *std::find_if(known.begin(), known.end(),
                                                [&](const auto& option) { return option.name == key; }));
  }
  return values;
}

std::vector<GridOption> grid_options(const options::OptionTable& table) {
  std::vector<GridOption> known;
  for (const options::Option& option : table.all())
    known.push_back({option.name, option.kind == options::Kind::kFlag ? GridValue::kFlag
                                  : option.list                       ? GridValue::kList
                                                                      : GridValue::kOne});
  return known;
}

void set_options(const OptionValues& values, std::string_view run, options::OptionTable& table) {
  const std::vector<std::string> on{"true"};
  try {
    for (const auto& [name, words] : values)
      if (words) table.set(name, words->empty() ? on : *words);
    table.check();
  } catch (const UserError& error) {
    throw UserError(
        fmt::format("{}: {}", run, error.what()),
        error.hint().empty() ? "`espalier VERB --help` says what the option takes" : error.hint());
  }
}

void check_folder_name(const TomlTable& table, const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name.empty() || name.front() == '-' || !std::all_of(name.begin(), name.end(), plain))
    table.fail(name, "not a name: it names a folder", "use letters, digits, _ and -");
}

std::vector<std::uint64_t> read_seeds(const TomlTable& table) {
  auto seeds = table.numbers("seeds");
  check_items<std::uint64_t>(table, "seeds", seeds);
  return seeds;
}

void check_list(const TomlTable& table, std::string_view key, std::span<const std::string> items) {
  check_items<std::string>(table, key, items);
}

}  // namespace espalier
