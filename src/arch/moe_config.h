#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace espalier {

/// What config.json of a language model says about its experts.
struct MoeConfig {
  std::vector<std::int64_t> experts;   ///< [blocks] routed experts E of each block; 0: a plain MLP. Of an
                                       ///< encoder-decoder: the encoder's blocks, then the decoder's
  std::int64_t encoder_blocks = 0;     ///< of an encoder-decoder; else 0
  std::int64_t experts_per_token = 1;  ///< K
  std::int64_t groups = 1;             ///< contiguous blocks of experts of one size
  std::int64_t top_groups = 1;         ///< groups that a token may choose from
  std::int64_t next_token_layers = 0;  ///< multi-token-prediction layers after the last block
  /// E of these: the one count of config.json; 0 where it is a list, which has no place for them.
  std::int64_t next_token_experts = 0;
};

/// `config`: of a model type in `moe_families()`. The count of experts may be one number or a list with an
/// entry for each block, null where it is dense, as a plan with unequal counts leaves it. Throws UserError
/// naming `source`, the field, what was found and what was expected: also for more experts per token than
/// experts (within the groups a token may choose from), and groups that do not divide the experts.
MoeConfig parse_moe_config(const nlohmann::json& config, std::string_view source);

}  // namespace espalier
