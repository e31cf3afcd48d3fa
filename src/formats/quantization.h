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
  std::int64_t group_size = 0;                         ///< inputs that share a scale; 0: not said, or all
  std::int64_t block_rows = 128, block_columns = 128;  ///< FP8 weights that share a scale
  std::string variant;  ///< `checkpoint_format` (GPTQ: "gptq_v2", ..) or `version` (AWQ: "gemm", ..)
};

/// Throws UserError naming the method, and those that are known, where weights of a quantisation by another
/// one are to be read.
void expect_known(const Quantization& quantization, std::string_view source);

/// `config` is the whole config.json, `source` its name for messages. Throws UserError where
/// `weight_block_size` is no pair of sizes.
Quantization read_quantization(const nlohmann::json& config, std::string_view source);

}  // namespace espalier::formats
