#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "surgery/surgery.h"

namespace espalier {

/// config.json of the result: the count of experts (a list where layers differ), experts per token, groups,
/// next-token layers, and the modules that `quantization_config` lists by expert. All else as it was; the
/// same value where nothing changes.
nlohmann::json config_after(const nlohmann::json& config, std::string_view source, const Surgery& surgery,
                            const Plan& plan);

/// Block and expert of a regular expression that gives both as numbers
/// (".*\\.layers\\.1\\.mlp\\.experts\\.3\\..*"); `begin`, `size`: where the expert's number is in it.
struct PatternExpert {
  std::int64_t block = 0, expert = 0;
  std::size_t begin = 0, size = 0;
};
std::optional<PatternExpert> expert_in_pattern(std::string_view text);

/// A quantisation's settings with every name of a module renumbered: strings and keys anywhere in it that
/// name an expert, or a tensor of one, or are a pattern of one expert. Those of dropped experts and layers
/// go. Other patterns ("re:..") stay as they are.
nlohmann::json renumber_modules(const nlohmann::json& settings, const Surgery& surgery);

}  // namespace espalier
