#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/bert_config.h"

namespace espalier {

/// One MoE layer: its router and experts, and the tensors they are stored in.
struct MoeLayerTensors {
  std::int64_t layer = 0;        // 0-based block
  std::int64_t num_experts = 0;  // E
  std::string router;            // tensor, [E, D]
  std::vector<std::vector<std::string>>
      expert_tensors;                             // [E], the same projections in the same order for each
  std::int64_t parameters_per_expert = 0;         // without its router row
  std::int64_t router_parameters_per_expert = 0;  // D
};

/// Which experts a model has, and in which tensors.
struct Topology {
  std::string model_type;
  std::int64_t experts_per_token = 0;   // K; 0 without MoE layers
  std::vector<MoeLayerTensors> layers;  // ascending

  /// Parameters of the experts that a token does not visit.
  std::int64_t idle_parameters() const;
  /// Parameters that go when every layer keeps `kept` of its experts (layers with no more than that lose
  /// none).
  std::int64_t removed_parameters(std::int64_t kept) const;
};

/// Tensors under their full names, with "bert.".
Topology bert_topology(const BertMoeConfig& config);

}  // namespace espalier
