#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/after_plan.h"

namespace espalier {

constexpr std::string_view kVmoeModelType = "espalier_vmoe";

/// Who chooses: tokens their experts (Riquelme et al. 2021), or experts their tokens (Zhou et al. 2022).
enum class RouterKind { kTokenChoice, kExpertChoice };

/// The MoE layer of one block.
struct VmoeLayer {
  std::int64_t block = 0;
  std::int64_t experts = 0;      // Z that the file holds
  std::int64_t router_rows = 0;  // E of the router; more than the experts where pruned ones give zero
  /// [Z] the row of the router that each expert answers to, ascending; empty: row e is expert e's.
  std::vector<std::int64_t> expert_rows;
  std::int64_t capacity_experts = 0;  // E that capacity is reckoned with
  /// Router rows without an expert give constants, in ascending order; else zero.
  bool novices = false;

  bool operator==(const VmoeLayer&) const = default;
};

/// config.json of a vision transformer with MoE layers (V-MoE, and E3 where there are ensemble members).
/// Members bear the names of the file's fields where there is one.
struct VmoeConfig {
  std::int64_t image_size = 0;           // S, square
  std::int64_t patch_size = 0;           // P, divides S
  std::int64_t hidden_size = 0;          // D
  std::int64_t num_hidden_layers = 0;    // L
  std::int64_t num_attention_heads = 0;  // H
  std::int64_t intermediate_size = 0;    // F, of dense FFNs and of every expert
  double layer_norm_eps = 1e-6;
  double hidden_dropout_prob = 0.0;
  double initializer_range = 0.02;
  std::vector<std::string> labels;  // id2label

  std::vector<VmoeLayer> moe;  // ascending blocks
  RouterKind router = RouterKind::kTokenChoice;
  std::int64_t num_experts_per_tok = 1;  // K; of expert choice: the experts a token gets on average
  /// Expert capacity ceil(factor * N * K / E), over the tokens of a batch (token choice) or of an image
  /// (expert choice); absent: no limit (token choice only).
  std::optional<double> capacity_factor;
  bool batch_prioritized = false;  // places go to the tokens with the largest gates first
  double router_noise = 1.0;       // in training, on the logits: normal, of deviation router_noise / E
  std::int64_t ensemble_size = 1;  // M members, each with a contiguous M-th of every layer's experts

  nlohmann::json fields = nlohmann::json::object();  // the file as read; what is not above is carried over

  std::int64_t patches() const { return (image_size / patch_size) * (image_size / patch_size); }
  std::int64_t positions() const { return patches() + 1; }  // with the class token
  std::int64_t patch_values() const { return 3 * patch_size * patch_size; }
  const VmoeLayer* moe_in(std::int64_t block) const;  ///< nullptr where it is dense
};

/// Throws UserError naming `source`, the field, what was found and what was expected.
VmoeConfig parse_vmoe_config(const nlohmann::json& config, std::string_view source);

/// The same checks on a config put together in memory.
void validate(const VmoeConfig& config, std::string_view source);

/// `fields` with every member above written into it; parse_vmoe_config of the result gives the config back.
nlohmann::json to_json(const VmoeConfig& config);

/// The config of the model that a plan makes (`arch::after_plan`).
void describe_plan(const Plan& plan, VmoeConfig& config);

}  // namespace espalier
