#pragma once

#include <span>
#include <string_view>

namespace espalier {

/// Which blocks carry experts.
enum class MoePattern {
  kEveryBlock,
  kAfterDenseBlocks,  ///< block >= first_k_dense_replace and block % moe_layer_freq == 0
  kSparseStep,        ///< not in mlp_only_layers and (block + 1) % decoder_sparse_step == 0
  kEncoderDecoder     ///< num_sparse_{encoder,decoder}_layers of num_layers and num_decoder_layers
};

/// Whether a token chooses from a few groups of experts only (n_group, topk_group).
enum class MoeGroups {
  kNone,
  kByMethod,  ///< if topk_method is "group_limited_greedy"
  kAlways
};

/// What may follow the last block.
enum class MoeTail { kNothing, kNextTokenLayers };  ///< num_nextn_predict_layers

/// A family of published language models with experts: what its config.json calls things. How tensors are
/// named is the same grammar for all (moe_names.h).
struct MoeFamily {
  std::string_view model_type;
  std::string_view title;
  std::string_view experts_field;            // E
  std::string_view experts_per_token_field;  // K; empty: always 1
  std::string_view expert_width_field;       // F
  MoePattern pattern = MoePattern::kEveryBlock;
  MoeGroups groups = MoeGroups::kNone;
  MoeTail tail = MoeTail::kNothing;
};

/// The table: one row is all that pruning the files of another family takes, if its tensors are named as
/// moe_names.h says.
std::span<const MoeFamily> moe_families();

/// nullptr for a model type that is not in the table.
const MoeFamily* find_moe_family(std::string_view model_type);

}  // namespace espalier
