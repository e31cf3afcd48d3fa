#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "arch/spec.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

enum class MoeLayerKind {
  kBlock,     ///< of the model itself
  kNextToken  ///< a multi-token-prediction layer after the last block: never run by the main forward pass
};

/// One MoE layer: its router and experts, and the tensors they are stored in.
struct MoeLayerTensors {
  std::int64_t layer = 0;        // 0-based block
  std::int64_t num_experts = 0;  // E
  MoeLayerKind kind = MoeLayerKind::kBlock;
  std::string router;  // the weight, [E, D]
  /// Where the constants are, or would be, that router rows without an expert give; empty where the family
  /// has no place for them.
  std::string novices;
  /// [V, K] the experts of each token, by number; empty where they are chosen by the router's scores.
  std::string token_experts;
  /// With an entry for each expert, on axis 0 (or where `TensorNames::parse` says): the weight, a bias, a
  /// correction bias. Sorted.
  std::vector<std::string> router_tensors;
  /// [E] whatever belongs to each expert alone, weights and scales, sorted; the same weights for each,
  /// though not always stored alike. Empty where all is stacked.
  std::vector<std::vector<std::string>> expert_tensors;
  std::vector<std::string> stacked_tensors;       // [E, ..] of all experts. Sorted.
  std::int64_t parameters_per_expert = 0;         // without its router row
  std::int64_t router_parameters_per_expert = 0;  // D
  std::int64_t extra_router_rows = 0;  // after the experts': of shared experts, of choices without a network
  /// [E] the router's row of each expert, where pruned experts left theirs behind; empty: row e is expert
  /// e's.
  std::vector<std::int64_t> router_rows;
};

/// Which experts a model has, and in which tensors.
struct Topology {
  std::string model_type;
  std::int64_t blocks = 0;                      // L
  std::int64_t experts_per_token = 0;           // K; 0 without MoE layers
  std::int64_t groups = 1;                      // contiguous blocks of experts of one size
  std::int64_t top_groups = 1;                  // groups that a token may choose from
  std::vector<MoeLayerTensors> layers;          // ascending; next-token layers last
  std::int64_t other_experts_parameters = 0;    // of idle experts of another kind
  std::int64_t next_token_parameters = 0;       // of whole multi-token-prediction layers
  std::vector<std::int64_t> next_token_blocks;  // their block numbers, whether they have experts or not
  /// What scores and plans say they were made for. SHA-256 of lines that each end in "\n":
  ///
  ///     espalier.topology/1
  ///     MODEL_TYPE K GROUPS TOP_GROUPS
  ///     layer LAYER E            for each MoE layer that is no next-token layer, and after it
  ///     TENSOR 4x64x32           for each tensor of its experts and router, sorted by name
  ///
  /// Names without a leading "bert."; "rows 0 3" after a layer whose pruned experts left rows. Dtypes are no
  /// part of it (but another quantisation has other tensors, and so another topology).
  std::string sha256;

  /// Parameters that a token does not visit: of idle experts and of next-token layers.
  std::int64_t idle_parameters() const;
  /// Parameters that go when every layer keeps `kept` of its experts (layers with no more than that lose
  /// none).
  std::int64_t removed_parameters(std::int64_t kept) const;
  /// nullptr for a block without experts.
  const MoeLayerTensors* find(std::int64_t layer) const;
};

/// Finds the experts in the headers alone. Throws UserError naming the first tensor that config.json does not
/// account for, that is missing or is of another shape, and how many more there are.
Topology find_topology(const Checkpoint& checkpoint, const arch::ModelSpec& spec);

/// `Topology::sha256` of the rest of a topology.
std::string topology_sha256(const Topology& topology, const Checkpoint& checkpoint);

/// Bytes of a layer that go with each of its experts, on average: the expert's tensors and its part of the
/// router's.
std::uint64_t bytes_per_expert(const Checkpoint& checkpoint, const MoeLayerTensors& layer);

}  // namespace espalier
