#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "arch/topology.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

struct ModelSizes {
  std::int64_t layers = 0;       // L; of an encoder-decoder: of both
  std::int64_t width = 0;        // D
  std::int64_t heads = 0;        // H
  std::int64_t inner_width = 0;  // F, of an expert where there are experts
  std::int64_t vocabulary = 0;   // V
  std::int64_t positions = 0;    // the longest sequence; 0 where there is no limit
};

/// One row per architecture: what config.json's model_type says, and the functions that read such a
/// checkpoint from config.json and the tensors' headers. They throw UserError.
struct Family {
  std::string_view model_type;
  std::string_view title;
  ModelSizes (*sizes)(const nlohmann::json& config, std::string_view source);
  void (*check)(const Checkpoint& checkpoint);  ///< names, shapes and dtypes of the tensors
  Topology (*topology)(
      const Checkpoint& checkpoint);  ///< tensor names as the checkpoint has them; after `check`
};

/// BERT encoders and vision transformers, then a row for each of `moe_families()`.
std::span<const Family> families();

/// The row of a config.json. Throws UserError listing the known model types.
const Family& family_of(const nlohmann::json& config, std::string_view source);

}  // namespace espalier
