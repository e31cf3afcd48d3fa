#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>

#include "arch/tensor_names.h"
#include "surgery/config_after.h"
#include "surgery/renumbering.h"

namespace espalier {
namespace {

using nlohmann::json;

/// The number behind `word`, a point (escaped or not) between them, from `from` on.
std::optional<std::pair<std::size_t, std::size_t>> number_behind(std::string_view text, std::string_view word,
                                                                 std::size_t from) {
  for (std::size_t at = text.find(word, from); at != std::string_view::npos; at = text.find(word, at + 1)) {
    std::size_t begin = at + word.size();
    if (begin < text.size() && text[begin] == '\\') ++begin;
    if (begin >= text.size() || text[begin++] != '.') continue;
    std::size_t end = begin;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
    const bool whole = end == text.size() || text[end] == '.' || text[end] == '\\' || text[end] == '$';
    if (end > begin && whole) return std::pair(begin, end - begin);
  }
  return std::nullopt;
}

/// The name afterwards; nullopt when what it names is gone.
std::optional<std::string> name_after(const std::string& name, const Renumbering& numbers,
                                      const arch::TensorNames& names) {
  if (const auto pattern = expert_in_pattern(name)) {
    const auto after = numbers.after(pattern->block, pattern->expert);
    if (!after) return std::nullopt;
    return name.substr(0, pattern->begin) + std::to_string(*after) +
           name.substr(pattern->begin + pattern->size);
  }
  const auto parsed = names.parse(name);
  if (!parsed || parsed->part != arch::MoePart::kExpert) {
    const auto block = names.block(name);
    return block && numbers.is_gone(*block) ? std::nullopt : std::optional(name);
  }
  const auto expert = numbers.after(parsed->block, parsed->expert);
  return expert ? std::optional(arch::renumbered(name, *parsed, *expert)) : std::nullopt;
}

json renumbered_value(const json& value, const Renumbering& numbers, const arch::TensorNames& names) {
  if (value.is_array()) {
    json result = json::array();
    for (const json& item : value) {
      if (!item.is_string()) {
        result.push_back(renumbered_value(item, numbers, names));
      } else if (auto name = name_after(item.get<std::string>(), numbers, names)) {
        result.push_back(*name);
      }
    }
    return result;
  }
  if (value.is_object()) {
    json result = json::object();
    for (const auto& item : value.items()) {
      if (auto name = name_after(item.key(), numbers, names))
        result[*name] = renumbered_value(item.value(), numbers, names);
    }
    return result;
  }
  return value;
}

}  // namespace

std::optional<PatternExpert> expert_in_pattern(std::string_view text) {
  if (text.find('\\') == std::string_view::npos) return std::nullopt;
  const auto block = number_behind(text, "layers", 0);
  if (!block) return std::nullopt;
  const auto expert = number_behind(text, "experts", block->first + block->second);
  if (!expert || expert->second > 6 || block->second > 6) return std::nullopt;
  const auto number = [&](const auto& at) {
    return std::stoll(std::string(text.substr(at.first, at.second)));
  };
  return PatternExpert{number(*block), number(*expert), expert->first, expert->second};
}

json renumber_modules(const json& settings, const Surgery& surgery) {
  if (surgery.zero_fills()) return settings;
  return renumbered_value(settings, Renumbering(surgery), arch::names_of(surgery.topology.model_type));
}

}  // namespace espalier
