#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace espalier::formats {

/// What config.json says of how its weights are stored (`quantization_config`).
struct Quantization {
  std::string method;                                  ///< `quant_method`: "fp8", "gptq", ..; empty: none
  std::int64_t bits = 4;                               ///< of a weight in packed integers
  std::int64_t block_rows = 128, block_columns = 128;  ///< FP8 weights that share a scale
};

/// `config` is the whole config.json, `source` its name for messages. Throws UserError where
/// `weight_block_size` is no pair of sizes.
Quantization read_quantization(const nlohmann::json& config, std::string_view source);

}  // namespace espalier::formats
