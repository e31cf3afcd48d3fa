#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "arch/topology.h"
#include "artifacts/router_config.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

struct ModelSizes {
  std::int64_t layers = 0;       // L; of an encoder-decoder: of both
  std::int64_t width = 0;        // D
  std::int64_t heads = 0;        // H
  std::int64_t inner_width = 0;  // F, of an expert where there are experts
  std::int64_t vocabulary = 0;   // V; 0 of a vision model
  std::int64_t positions = 0;    // the longest sequence; 0 where there is no limit
};

/// What every token gets besides its experts.
struct SharedExperts {
  std::int64_t count = 0, width = 0;  // width: of all of them together
};

/// What the checkpoint would be with `kept` experts in every MoE layer that has more.
struct PruningEstimate {
  std::int64_t kept = 0;
  std::int64_t parameters = 0;
  std::int64_t parameters_per_token = 0;
  std::uint64_t saved_bytes = 0;  ///< of tensor data; the file's header shrinks too
};

/// What `espalier inspect` says of a checkpoint, from config.json and the tensors' headers: no weight is
/// read.
struct Inspection {
  std::string folder;
  std::string model_type;
  std::string title;
  ModelSizes sizes;
  Topology topology;
  std::optional<RouterConfig> router;  ///< of the MoE layers; absent without
  SharedExperts shared;
  std::int64_t parameters = 0;            ///< weights of all tensors; scales are none
  std::int64_t parameters_per_token = 0;  ///< without the experts that a token does not visit
  std::map<std::string, std::int64_t> parameters_of_dtype;  ///< "F32", "BF16", ...
  std::int64_t tensors = 0;
  std::uint64_t file_bytes = 0;
  std::int64_t files = 0;
  std::vector<std::string> notes;        ///< where config.json contradicts itself, what was taken
  std::vector<PruningEstimate> pruning;  ///< half of the experts, and one (of each group); empty without MoE
};

/// Throws UserError for an unknown architecture and where config.json and the tensors do not fit.
Inspection inspect(const Checkpoint& checkpoint);

std::string to_text(const Inspection& inspection);
/// "format": "espalier.inspection/1".
nlohmann::json to_json(const Inspection& inspection);

}  // namespace espalier
