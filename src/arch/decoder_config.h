#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/spec.h"

namespace espalier {

/// Rotary position embedding.
struct RopeConfig {
  double theta = 10000.0;
  bool interleaved = false;    ///< pairs 2i with 2i + 1 (deepseek_v2, v3); else i with i + d/2
  double linear_factor = 1.0;  ///< positions are divided by it ("rope_scaling" of type linear)
  /// YaRN ("rope_scaling"): absent without.
  struct Yarn {
    double factor = 1.0, beta_fast = 32.0, beta_slow = 1.0, mscale = 1.0, mscale_all_dim = 0.0;
    std::int64_t original_positions = 4096;
    std::optional<double> attention_factor;  ///< of cosines and sines; absent: by mscale, see yarn_amplitude
  };
  std::optional<Yarn> yarn;
};

/// 0.1 m ln(factor) + 1, and 1 for factors up to 1 (Peng et al. 2023, arXiv 2309.00071, 3.4).
double yarn_mscale(double factor, double m);
/// What cosines and sines are multiplied with.
double yarn_amplitude(const RopeConfig::Yarn& yarn);

enum class QkNorm { kNone, kPerHead, kAllHeads };  ///< RMS norm of queries and keys before the rotation

/// Multi-head latent attention (deepseek_v2, v3).
struct LatentAttention {
  std::optional<std::int64_t> query_rank;  ///< q_lora_rank
  std::int64_t key_value_rank = 0;         ///< kv_lora_rank
  std::int64_t rope_head_width = 0, nope_head_width = 0, value_head_width = 0;
};

/// A decoder-only language model with Mixture-of-Experts blocks, as its config.json describes it.
struct DecoderConfig {
  std::string model_type;
  std::int64_t vocab_size = 0;   // V
  std::int64_t hidden_size = 0;  // D
  std::int64_t layers = 0;       // L
  std::int64_t heads = 0;        // H
  std::int64_t key_value_heads = 0;
  std::int64_t head_width = 0;  ///< of queries and keys; latent attention: see `latent`
  std::int64_t max_positions = 0;
  double norm_epsilon = 1e-6;
  bool tied_embeddings = false;
  bool query_key_value_bias = false;  ///< latent attention: of q_a_proj and kv_a_proj_with_mqa
  bool attention_output_bias = false;
  QkNorm qk_norm = QkNorm::kNone;
  std::optional<double>
      clip_qkv;  ///< queries, keys and values are clamped to +- this, after the norm (olmoe)
  std::optional<LatentAttention> latent;
  RopeConfig rope;
  /// [L] tokens that attention of each block looks back, itself among them; 0: to the beginning
  std::vector<std::int64_t> windows;

  std::int64_t dense_width = 0;        ///< F of the plain MLP of blocks without experts
  std::int64_t expert_width = 0;       ///< F of a routed expert
  std::int64_t shared_width = 0;       ///< F of the shared expert; 0: none
  bool gated_shared_expert = false;    ///< times sigmoid(shared_expert_gate x) (qwen2_moe)
  std::vector<std::int64_t> experts;   ///< [L] routed experts E of each block; 0: a plain MLP
  std::int64_t next_token_layers = 0;  ///< multi-token-prediction layers after the last (deepseek_v3)
  RouterConfig router;                 ///< the same in all blocks

  std::optional<std::int64_t> bos_token, eos_token;
};

/// The same of a model that runs.
DecoderConfig decoder_config_of(const arch::ModelSpec& spec);

/// The same in one struct. Throws UserError as `arch::read_spec` does, and for a model that is not run.
DecoderConfig parse_decoder_config(const nlohmann::json& config, std::string_view source);

}  // namespace espalier
