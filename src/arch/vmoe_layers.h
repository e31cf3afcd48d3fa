#pragma once

#include "arch/encoder_parts.h"

// The MoE layers of `espalier_vmoe`: V-MoE (Riquelme et al. 2021) and E3 (Allingham et al. 2022), with what
// pruning leaves behind.
namespace espalier::arch {

/// "moe_layers" and the lists beside it; `spec` has all else. Throws UserError naming field and block.
void read_vmoe_layers(ConfigFields& config, ModelSpec& spec);
/// The same fields of `config`. Of a model without MoE layers, the settings of routing stay as they are.
void write_vmoe_layers(const ModelSpec& spec, nlohmann::json& config);

}  // namespace espalier::arch
