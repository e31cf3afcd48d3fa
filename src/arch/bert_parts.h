#pragma once

#include <array>
#include <string_view>

#include "arch/encoder_parts.h"

// What `bert` and `espalier_bert_moe` share.
namespace espalier::arch {

/// Hugging Face's BertConfig, with its defaults; every block is dense.
ModelSpec read_bert(ConfigFields& config);
/// All but the fields of MoE layers.
nlohmann::json write_bert(const ModelSpec& spec, const nlohmann::json& fields);

/// The fields that only `espalier_bert_moe` has.
constexpr std::array<std::string_view, 7> kBertMoeFields{
    "moe_layers",    "num_experts",     "moe_placement",       "num_experts_per_tok",
    "router_jitter", "capacity_factor", "router_aux_loss_coef"};

Family bert_family(std::string_view model_type, std::string_view title);

}  // namespace espalier::arch
