#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "surgery/surgery.h"

namespace espalier {

/// config.json of the result: the count of experts (a list where layers differ), experts per token, groups,
/// next-token layers, and the modules that `quantization_config` lists by expert. All else as it was; the
/// same value where nothing changes.
nlohmann::json config_after(const nlohmann::json& config, std::string_view source, const Surgery& surgery,
                            const Plan& plan);

/// A quantisation's settings with every name of a module renumbered: strings and keys anywhere in it that
/// name an expert, or a tensor of one. Those of dropped experts and layers go. Patterns ("re:..") stay as
/// they are.
nlohmann::json renumber_modules(const nlohmann::json& settings, const Surgery& surgery);

}  // namespace espalier
