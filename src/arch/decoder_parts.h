#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "arch/config_fields.h"
#include "arch/family.h"

// What the readers of decoder-only language models have in common.
namespace espalier::arch {

/// What `decoder_spec` puts a model together from. Fields that all families spell alike it reads itself.
struct DecoderParts {
  double epsilon = 1e-6;
  Mixer mixer;                        // of every block, but for windows and rotary settings
  std::vector<std::int64_t> windows;  // [L]; empty: none
  std::int64_t dense_width = 0;       // F of blocks without experts
  std::vector<bool> sparse;           // [L] blocks with experts; empty: all
  std::vector<bool> no_network;       // [L] blocks without any feed-forward network; empty: none
  MixtureOfExperts moe;               // of every such block; E, rows and K are filled in
  std::int64_t next_token_layers = 0;
  /// The part of each head that is turned where "partial_rotary_factor" does not tell; absent: all, and the
  /// family knows no such field.
  std::optional<double> turned_part;
};

/// Vocabulary, width, positions, special tokens, tied embeddings, experts of each block. Checks that a token
/// can reach K experts everywhere.
ModelSpec decoder_spec(ConfigFields& config, const DecoderParts& parts);

/// A model whose files can be pruned, but which is not run: mixers and norms are not read.
ModelSpec unread_spec(ConfigFields& config, DecoderParts parts);

/// Heads and their widths. `theta`: the base of rotary embeddings where config.json says none; what it does
/// say is read by `decoder_spec`, see rope_settings.h.
GroupedAttention grouped_attention(ConfigFields& config, double theta);
/// What the Granite families share: "attention_multiplier", and the experts' rule.
DecoderParts granite_parts(ConfigFields& config);
/// `decoder_spec` with the multipliers of embeddings, residuals and logits.
ModelSpec granite_spec(ConfigFields& config, const DecoderParts& parts);

/// "attention_bias": of queries, keys, values and the output.
void read_attention_bias(ConfigFields& config, GroupedAttention& attention);
LatentAttention latent_attention(ConfigFields& config, RotaryPairs pairs);

/// "index_n_heads", "index_head_dim" and "index_topk".
KeyIndexer key_indexer(ConfigFields& config, RotaryPairs pairs);
/// "indexer_types": "full", or "shared" for blocks that take the last one's choice.
void read_shared_indexers(ConfigFields& config, ModelSpec& spec);

/// "linear_num_key_heads" and what goes with it. Throws UserError for heads that do not divide.
GatedDelta gated_delta(ConfigFields& config);
/// Which blocks have attention: "layer_types", else every "full_attention_interval"-th.
std::vector<bool> attention_blocks(ConfigFields& config);

/// "rms_norm_eps"
double rms_epsilon(ConfigFields& config, double fallback);

/// Which block is the first to attend to a window only.
enum class FirstSlidingLayer { kZero, kMaxWindowLayers };
/// [L] of "sliding_window" and "layer_types".
std::vector<std::int64_t> windows(ConfigFields& config, FirstSlidingLayer first);

/// [L] of "sliding_window" and "layer_types", or the pattern that stands for them: every how many layers one
/// sees all
/// ("sliding_window_pattern", "global_attn_every_n_layers"), or "LLG".
std::vector<std::int64_t> windows_by_type(ConfigFields& config);
/// Layers that see all have no positions.
void turn_windows_only(ModelSpec& spec);
/// Throws UserError unless the list of that name has as many entries as there are blocks.
void expect_one_per_block(ConfigFields& config, std::string_view key, std::size_t entries);

/// Blocks with experts: not in "mlp_only_layers" and (block + 1) % "decoder_sparse_step" == 0.
std::vector<bool> sparse_by_step(ConfigFields& config);
/// From "first_k_dense_replace" on, every "moe_layer_freq"-th.
std::vector<bool> sparse_after_dense(ConfigFields& config);

/// "mlp_layer_types": "sparse" or "dense" for each block.
std::vector<bool> sparse_by_type(ConfigFields& config);

/// Of whichever of these a config has: "mlp_layer_types", "moe_layer_freq" as a list of 0 and 1,
/// "moe_layers", "first_k_dense_replace", "num_dense_layers", "mlp_only_layers"; without any, all.
std::vector<bool> sparse_blocks(ConfigFields& config);

/// What a family's router does. Those with a bias add it for choosing alone.
enum class Routing {
  kSoftmax,
  kSoftmaxOfChosen,
  kSoftmaxWithBias,
  kSigmoid,
  kSigmoidWithBias,  ///< DeepSeek-V3's, with groups where config.json has them
  kSqrtSoftplusWithBias
};
/// Everything but the mixer and the norms, from the fields that most families of today have in common, under
/// any of their names: blocks with experts, widths, shared experts, routing and its factor, next-token
/// layers.
DecoderParts moe_parts(ConfigFields& config, Routing routing);
/// For a family that says by fields of its own which blocks have experts.
DecoderParts moe_parts(ConfigFields& config, Routing routing, std::vector<bool> sparse);

/// "n_group" and "topk_group".
void read_groups(ConfigFields& config, RouterConfig& rule);

/// What the Qwen families share.
DecoderParts qwen_parts(ConfigFields& config);

/// Qwen's models of Gated DeltaNet with attention between: gates of its output behind the queries, norms from
/// one.
ModelSpec qwen_delta_spec(ConfigFields& config, DecoderParts parts, bool rows_by_key_head);

enum class DeepSeekRouter {
  kSoftmax,
  kSigmoid  ///< with a correction bias and groups (DeepSeek-AI 2024, arXiv 2412.19437, 2.1.2)
};
/// What DeepSeek's families and their likes share: blocks with experts after dense ones, shared experts as
/// one wide network. The mixer is not read.
DecoderParts deepseek_parts(ConfigFields& config, DeepSeekRouter router);

/// The row of a decoder with the usual names of tensors and fields.
Family decoder_family(std::string_view model_type, std::string_view title,
                      ModelSpec (*read)(ConfigFields& config));

}  // namespace espalier::arch
