#include "arch/tensor_names.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "arch/roles.h"

namespace espalier::arch {
namespace {

using std::string_view;

constexpr string_view kModules = "{M}", kFeedForward = "{F}", kBlock = "{L}", kExpert = "{e}";

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

/// The family's rows; those of its style for roles without any; the usual ones for what is left.
std::vector<TensorRow> table_of(const Family& family) {
  std::vector<TensorRow> table(family.rows.begin(), family.rows.end());
  for (const auto rows : {family.style, family.usual}) {
    const std::size_t before = table.size();
    for (const TensorRow& row : rows) {
      const auto own = table.begin() + static_cast<std::ptrdiff_t>(before);
      const bool is_there = std::any_of(table.begin(), own, [&](const TensorRow& other) {
        return other.role == row.role && other.part == row.part;
      });
      if (!is_there) table.push_back(row);
    }
  }
  return table;
}

}  // namespace

TensorNames::TensorNames(const Family& family)
    : table_(table_of(family)),
      modules_(family.modules),
      feed_forward_(family.feed_forward),
      aliases_(family.aliases.begin(), family.aliases.end()),
      next_token_module_(family.next_token.module),
      next_token_stack_(family.next_token.stack) {
  for (const TensorRow& row : table_) learn(row);
}

void TensorNames::learn_stack(const std::string& prefix, Stack of) {
  const auto add = [&](std::string spelling, bool next_token) {
    const bool known = std::any_of(stacks_.begin(), stacks_.end(),
                                   [&](const StackPattern& stack) { return stack.prefix == spelling; });
    if (!known) stacks_.push_back({std::move(spelling), of, next_token});
  };
  for (std::string& spelling : spellings(prefix)) add(std::move(spelling), false);
  if (of == Stack::kOnly && !next_token_stack_.empty()) add(next_token_stack_, true);
}

void TensorNames::learn(const TensorRow& row) {
  const std::string whole =
      replaced(replaced(std::string(row.name), kModules, modules_), kFeedForward, feed_forward_);
  const auto block = whole.find(kBlock);
  if (block == std::string::npos) return;
  learn_stack(whole.substr(0, block), row.stack);
  const string_view rest = string_view(whole).substr(block + kBlock.size() + 1);
  const auto expert = rest.find(kExpert);
  const auto add = [&](std::vector<ModulePattern>& to, string_view name, MoePart part) {
    to.push_back({std::string(name), part, row.stack, row.storage});
  };
  if (expert != string_view::npos)
    add(moe_, rest.substr(0, expert), MoePart::kExpert);
  else if (is_of_expert(row.role))
    add(moe_, folder_of(rest), MoePart::kStacked);
  else if (row.role == Role::kRouter && row.part == Part::kWeight)
    add(moe_, folder_of(rest), MoePart::kRouter);
  else if (row.role == Role::kKeptWhole)
    add(kept_, rest, MoePart::kRouter);
  else if (row.role == Role::kTokenExperts)
    add(exact_, rest, MoePart::kTokenExperts);
  else if (row.role == Role::kOtherExperts)
    add(exact_, rest, MoePart::kOtherExperts);
  if (row.role == Role::kRouter || row.role == Role::kRouterEntry) add(exact_, rest, MoePart::kRouter);
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
    return BlockName{name.substr(0, stack.prefix.size()), *number, stack.of, stack.next_token, rest};
  }
  return std::nullopt;
}

bool TensorNames::is_of_next_token_module(string_view name) const {
  return !next_token_module_.empty() && name.starts_with(next_token_module_);
}

std::optional<MoeName> TensorNames::parse(string_view name) const {
  const auto found = block(name);
  if (!found) return std::nullopt;
  MoeName result;
  result.block = *found;
  const auto is_whole = [&](const ModulePattern& module) {
    return module.of == found->of && module.prefix == found->rest;
  };
  if (std::any_of(kept_.begin(), kept_.end(), is_whole)) return std::nullopt;
  const auto exact = std::find_if(exact_.begin(), exact_.end(), is_whole);
  if (exact != exact_.end()) return as(*exact, std::move(result), found->rest);
  for (const ModulePattern& module : moe_) {
    string_view rest = found->rest;
    if (module.of != found->of || !take(rest, module.prefix)) continue;
    if (module.part != MoePart::kExpert) return as(module, std::move(result), rest);
    const char* const digits = rest.data();
    const auto number = take_number(rest);
    if (!number) continue;
    result.expert = *number;
    result.number_begin = static_cast<std::size_t>(digits - name.data());
    result.number_size = static_cast<std::size_t>(rest.data() - digits);
    take(rest, ".");
    return as(module, std::move(result), rest);
  }
  return std::nullopt;
}

MoeName TensorNames::as(const ModulePattern& module, MoeName name, string_view role) {
  name.part = module.part;
  name.role = role;
  name.axis = is_transposed_router(module.storage) ? 1 : 0;
  name.flat = module.part == MoePart::kStacked && is_flat(module.storage);
  return name;
}

std::string TensorNames::name(const TensorRow& row, std::int64_t block, std::int64_t expert) const {
  std::string name = replaced(std::string(row.name), kModules, modules_);
  name = replaced(std::move(name), kFeedForward, feed_forward_);
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

std::int64_t number_of(const BlockName& block, std::int64_t encoder_blocks, std::int64_t blocks) {
  if (block.next_token) return blocks + block.block;
  return block.of == Stack::kDecoder ? block.block + encoder_blocks : block.block;
}

bool is_beyond_all(const BlockName& block, const ModelSpec& spec) {
  if (block.next_token) return false;  // published without a count
  const bool in_stack = family_named(spec.family).next_token.stack.empty();
  const std::int64_t more = in_stack ? spec.next_token.layers : 0;
  return number_of(block, spec.encoder_blocks, spec.layers()) >= spec.layers() + more;
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
