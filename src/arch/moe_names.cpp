#include "arch/moe_names.h"

#include <array>
#include <charconv>

namespace espalier {
namespace {

using std::string_view;

constexpr std::array<string_view, 5> kStacks{"model.layers.", "bert.encoder.layer.", "encoder.layer.",
                                             "encoder.block.", "decoder.block."};
constexpr std::array<string_view, 5> kModules{"mlp.", "block_sparse_moe.", "moe.", "layer.1.mlp.",
                                              "layer.2.mlp."};
constexpr string_view kExperts = "experts.", kExpert = "expert_";
constexpr std::array<string_view, 2> kRouters{"gate.", "router."};
constexpr std::array<string_view, 2> kStackedModules{"input_linear.", "output_linear."};

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

template <std::size_t N>
bool starts_with_one_of(string_view text, const std::array<string_view, N>& prefixes) {
  for (const string_view prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

/// What follows "experts.": an expert's number, or the role of a stacked tensor.
void parse_experts(string_view name, string_view rest, MoeName& result) {
  string_view after = rest;
  take(after, kExpert);
  const char* const digits = after.data();
  if (const auto number = take_number(after)) {
    result.part = MoePart::kExpert;
    result.expert = *number;
    result.number_begin = static_cast<std::size_t>(digits - name.data());
    result.number_size = static_cast<std::size_t>(after.data() - digits);
    take(after, ".");
    result.role = after;
    return;
  }
  result.part = MoePart::kStacked;
  result.role = rest;
}

}  // namespace

std::optional<BlockName> parse_block_name(string_view name) {
  for (const string_view stack : kStacks) {
    string_view rest = name;
    if (!take(rest, stack)) continue;
    const auto block = take_number(rest);
    if (!block) return std::nullopt;
    take(rest, ".");
    return BlockName{stack, *block, rest};
  }
  return std::nullopt;
}

std::optional<MoeName> parse_moe_name(string_view name) {
  const auto block = parse_block_name(name);
  if (!block) return std::nullopt;
  for (const string_view module : kModules) {
    string_view rest = block->rest;
    if (!take(rest, module)) continue;
    MoeName result{*block};
    if (string_view role = rest; take(role, kExperts)) {
      parse_experts(name, role, result);
      return result;
    }
    result.role = rest;
    result.part = MoePart::kStacked;
    if (starts_with_one_of(rest, kStackedModules)) return result;
    result.part = MoePart::kRouter;
    if (starts_with_one_of(rest, kRouters)) return result;
  }
  return std::nullopt;
}

std::string renumbered(string_view name, const MoeName& parsed, std::int64_t expert) {
  std::string result(name);
  return result.replace(parsed.number_begin, parsed.number_size, std::to_string(expert));
}

}  // namespace espalier
