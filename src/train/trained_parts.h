#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "train/parameters.h"

namespace espalier::train {

/// What of an encoder is trained. The rest stays as it is: no gradients are computed of it, it has no
/// moments, and backward ends at the lowest block that is trained.
struct TrainedParts {
  bool all = true;
  bool head = false;                ///< of masked words, but for the embeddings that it shares
  std::set<std::int64_t> networks;  ///< blocks whose feed-forward network, or experts and router, is trained

  bool has(const Parameter& parameter) const;
};

/// "head", "ffn.1"; none: all. Throws UserError for other words and for blocks that the model does not have.
TrainedParts parse_trained_parts(const std::vector<std::string>& words, const arch::ModelSpec& spec);

}  // namespace espalier::train
