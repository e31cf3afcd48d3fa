#include "arch/tensor_names.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "arch/roles.h"

namespace espalier::arch {
namespace {

using std::string_view;

constexpr string_view kModules = "{M}", kBlock = "{L}", kExpert = "{e}";

/// Takes `prefix` off the front of `text`.
bool take(string_view& text, string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Takes a whole number as it would be written off the front, up to a point or the end.
std::optional<std::int64_t> take_number(string_view& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  const auto digits = static_cast<std::size_t>(after - text.data());
  if (error != std::errc{} || number < 0 || std::to_string(number).size() != digits) return std::nullopt;
  if (after != end && *after != '.') return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

std::string replaced(std::string text, string_view from, string_view to) {
  if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

/// "mlp.gate.weight" -> "mlp.gate."
string_view folder_of(string_view name) {
  return name.substr(0, name.rfind('.') + 1);
}

/// The rows of `family.usual` with those of `family.rows` in the place of the same role's.
std::vector<TensorRow> table_of(const Family& family) {
  std::vector<TensorRow> table(family.rows.begin(), family.rows.end());
  for (const TensorRow& row : family.usual) {
    const bool own = std::any_of(family.rows.begin(), family.rows.end(), [&](const TensorRow& other) {
      return other.role == row.role && other.part == row.part;
    });
    if (!own) table.push_back(row);
  }
  return table;
}

}  // namespace

TensorNames::TensorNames(const Family& family)
    : table_(table_of(family)),
      modules_(family.modules),
      aliases_(family.aliases.begin(), family.aliases.end()) {
  for (const TensorRow& row : table_) learn(row);
}

void TensorNames::learn(const TensorRow& row) {
  const std::string whole = replaced(std::string(row.name), kModules, modules_);
  const auto block = whole.find(kBlock);
  if (block == std::string::npos) return;
  for (std::string& prefix : spellings(whole.substr(0, block))) {
    const bool known = std::any_of(stacks_.begin(), stacks_.end(),
                                   [&](const StackPattern& stack) { return stack.prefix == prefix; });
    if (!known) stacks_.push_back({std::move(prefix), row.stack});
  }
  const string_view rest = string_view(whole).substr(block + kBlock.size() + 1);
  const auto expert = rest.find(kExpert);
  if (expert != string_view::npos)
    moe_.push_back({std::string(rest.substr(0, expert)), MoePart::kExpert, row.stack});
  else if (is_of_expert(row.role))
    moe_.push_back({std::string(folder_of(rest)), MoePart::kStacked, row.stack});
  else if (row.role == Role::kRouter)
    moe_.push_back({std::string(folder_of(rest)), MoePart::kRouter, row.stack});
  // Experts first: what stands under no number in their folder is stacked.
  std::stable_sort(moe_.begin(), moe_.end(),
                   [](const ModulePattern& a, const ModulePattern& b) { return a.part < b.part; });
}

std::optional<BlockName> TensorNames::block(string_view name) const {
  for (const StackPattern& stack : stacks_) {
    string_view rest = name;
    if (!take(rest, stack.prefix)) continue;
    const auto number = take_number(rest);
    if (!number) continue;
    take(rest, ".");
    return BlockName{name.substr(0, stack.prefix.size()), *number, stack.of, rest};
  }
  return std::nullopt;
}

std::optional<MoeName> TensorNames::parse(string_view name) const {
  const auto found = block(name);
  if (!found) return std::nullopt;
  for (const ModulePattern& module : moe_) {
    string_view rest = found->rest;
    if (module.of != found->of || !take(rest, module.prefix)) continue;
    MoeName result;
    result.block = *found;
    result.part = module.part;
    result.role = rest;
    if (module.part != MoePart::kExpert) return result;
    const char* const digits = rest.data();
    const auto number = take_number(rest);
    if (!number) continue;
    result.expert = *number;
    result.number_begin = static_cast<std::size_t>(digits - name.data());
    result.number_size = static_cast<std::size_t>(rest.data() - digits);
    take(rest, ".");
    result.role = rest;
    return result;
  }
  return std::nullopt;
}

std::string TensorNames::name(const TensorRow& row, std::int64_t block, std::int64_t expert) const {
  std::string name = replaced(std::string(row.name), kModules, modules_);
  name = replaced(std::move(name), kBlock, std::to_string(block));
  return replaced(std::move(name), kExpert, std::to_string(expert));
}

std::vector<std::string> TensorNames::spellings(std::string name) const {
  std::vector<std::string> all{std::move(name)};
  for (const NameAlias& alias : aliases_) {
    const std::size_t count = all.size();
    for (std::size_t i = 0; i < count; ++i)
      if (all[i].find(alias.from) != std::string::npos) all.push_back(replaced(all[i], alias.from, alias.to));
  }
  return all;
}

std::vector<const TensorRow*> TensorNames::rows(Role role, Part part, Stack stack) const {
  std::vector<const TensorRow*> found;
  for (const TensorRow& row : table_)
    if (row.role == role && row.part == part && row.stack == stack) found.push_back(&row);
  return found;
}

const TensorRow* TensorNames::row_of(const MoeName& name) const {
  if (name.part != MoePart::kExpert) return nullptr;
  for (const TensorRow& row : table_) {
    const auto expert = row.name.find(kExpert);
    if (expert != string_view::npos && row.stack == name.block.of &&
        row.name.substr(expert + kExpert.size() + 1) == name.role)
      return &row;
  }
  return nullptr;
}

const TensorNames& names_of(string_view model_type) {
  static const std::map<string_view, TensorNames> all = [] {
    std::map<string_view, TensorNames> names;
    for (const Family& family : families()) names.emplace(family.model_type, TensorNames(family));
    return names;
  }();
  return all.at(family_named(model_type).model_type);
}

std::string renumbered(string_view name, const MoeName& parsed, std::int64_t expert) {
  std::string result(name);
  return result.replace(parsed.number_begin, parsed.number_size, std::to_string(expert));
}

}  // namespace espalier::arch
