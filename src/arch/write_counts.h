#pragma once

#include <nlohmann/json_fwd.hpp>

#include "arch/spec.h"

namespace espalier::arch {

/// Experts as config.json has them: one number where all MoE layers are alike, else a list with an entry for
/// each block, null where it is dense; null for a model without any.
nlohmann::json expert_counts_json(const ModelSpec& spec);

/// `Family::write` of published language models: counts of experts, K, groups, next-token layers, where they
/// have changed, in every field that says the same.
nlohmann::json write_counts(const ModelSpec& spec, const nlohmann::json& fields);

}  // namespace espalier::arch
