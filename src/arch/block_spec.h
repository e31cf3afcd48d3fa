#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "artifacts/router_config.h"

// What one block of a transformer computes, as values. Letters are those of src/README.md.
namespace espalier::arch {

enum class NormKind {
  kRms,   ///< x / sqrt(mean(x^2) + epsilon) * w (Zhang and Sennrich 2019)
  kLayer  ///< (x - mean(x)) / sqrt(variance(x) + epsilon) * w + b (Ba et al. 2016)
};

struct Norm {
  NormKind kind = NormKind::kRms;
  double epsilon = 1e-6;

  bool operator==(const Norm&) const = default;
};

/// YaRN (Peng et al. 2023, arXiv 2309.00071): high frequencies as they are, low ones divided by `factor`.
struct Yarn {
  double factor = 1.0, beta_fast = 32.0, beta_slow = 1.0, mscale = 1.0, mscale_all_dim = 0.0;
  std::int64_t original_positions = 4096;
  std::optional<double> attention_factor;  ///< of cosines and sines; absent: by mscale, see `yarn_amplitude`

  bool operator==(const Yarn&) const = default;
};

/// 0.1 m ln(factor) + 1, and 1 for factors up to 1 (Peng et al. 2023, 3.4).
double yarn_mscale(double factor, double m);
/// What cosines and sines are multiplied with.
double yarn_amplitude(const Yarn& yarn);

enum class RotaryPairs {
  kHalves,     ///< i turns with i + width / 2
  kNeighbours  ///< 2i turns with 2i + 1
};

/// Rotary position embedding (Su et al. 2021) of the first `width` numbers of every head (of latent
/// attention: of the part that is turned).
struct Rotary {
  std::int64_t width = 0;  // even
  double theta = 10000.0;
  RotaryPairs pairs = RotaryPairs::kHalves;
  double linear_factor = 1.0;  // positions are divided by it
  std::optional<Yarn> yarn;

  bool operator==(const Rotary&) const = default;
};

enum class QueryKeyNorm { kNone, kPerHead, kAllHeads };  ///< of queries and keys, before the rotation

/// Attention whose queries share keys and values in groups; G = H is multi-head attention.
struct GroupedAttention {
  std::int64_t heads = 0;            // H
  std::int64_t key_value_heads = 0;  // G, divides H
  std::int64_t key_width = 0;        // of a head's query and key
  std::int64_t value_width = 0;      // of a head's value
  double scale = 1.0;                // of query times key, before the softmax
  bool causal = true;                // a token sees itself and what is before it; else all of its sequence
  std::int64_t window = 0;           // tokens that it looks back, itself among them; 0: to the beginning
  std::optional<Rotary> rotary;      // absent: positions come with the input
  QueryKeyNorm query_key_norm = QueryKeyNorm::kNone;  // RMS, with the block's epsilon
  std::optional<double> clip;  // queries, keys and values are clamped to +- this, after the norm
  bool query_key_value_bias = false, output_bias = false;

  bool operator==(const GroupedAttention&) const = default;
};

/// Multi-head latent attention (DeepSeek-AI 2024, arXiv 2405.04434, 2.1). Keys are `nope_width` numbers of
/// each head and `rotary.width` turned ones that all heads share.
struct LatentAttention {
  std::int64_t heads = 0;                  // H
  std::optional<std::int64_t> query_rank;  // absent: queries come straight from the input
  std::int64_t key_value_rank = 0;
  std::int64_t nope_width = 0, value_width = 0;  // of a head
  double scale = 1.0;                            // of query times key, before the softmax
  std::int64_t window = 0;
  Rotary rotary;
  bool down_bias = false, output_bias = false;  // of the projections to the ranks; of the output

  std::int64_t key_width() const { return nope_width + rotary.width; }
  bool operator==(const LatentAttention&) const = default;
};

/// A part of a model whose files can be pruned, but that nothing here computes.
struct Unread {
  std::int64_t heads = 0;  // H

  bool operator==(const Unread&) const = default;
};

using Mixer = std::variant<GroupedAttention, LatentAttention, Unread>;

std::int64_t heads_of(const Mixer& mixer);  ///< H
/// nullptr where nothing is turned.
const Rotary* rotary_of(const Mixer& mixer);

enum class Activation { kSilu, kGelu, kRelu };  ///< GELU: the exact one, by erf

/// gated: down(act(gate(x)) * up(x)); plain: down(act(up(x))).
struct FeedForward {
  std::int64_t width = 0;  // F
  bool gated = true;
  Activation activation = Activation::kSilu;
  bool biases = false;

  bool operator==(const FeedForward&) const = default;
};

enum class WhoChooses {
  kTokens,  ///< their experts (Shazeer et al. 2017)
  kExperts  ///< their tokens (Zhou et al. 2022)
};

struct Router {
  RouterConfig rule;  ///< K, scores, groups, gates; where experts choose, K is what a token gets on average
  WhoChooses chooser = WhoChooses::kTokens;
  /// An expert takes at most ceil(factor * N * K / E) of the N tokens of a batch (experts that choose: of an
  /// image); absent: no limit.
  std::optional<double> capacity_factor;
  std::int64_t capacity_experts = 0;  // E that capacity is reckoned with
  bool batch_prioritized = false;     // places go to the tokens with the largest gates first
  /// Rows of its weight: E, more where pruned experts left theirs behind, and `extra_rows`.
  std::int64_t rows = 0;
  /// After the experts': of shared experts, or of choices without a network (zero-computation experts).
  std::int64_t extra_rows = 0;
  /// Experts are looked up by token, in a table of their numbers (DeepSeek-V4's first layers).
  bool by_token = false;
  /// [E] the row that each expert answers to, ascending; empty: row e is expert e's.
  std::vector<std::int64_t> expert_rows;
  bool novices = false;        // rows without an expert give constants, in ascending order; else zero
  double jitter = 0.0;         // training: the input times uniform [1 - j, 1 + j]
  double noise = 0.0;          // training: normal on the logits, of deviation noise / E
  double balance_coef = 0.01;  // training: of the balance loss

  bool operator==(const Router&) const = default;
};

/// What every token gets besides its experts.
struct SharedExpert {
  FeedForward network;     // several shared experts are one wide network
  bool gated = false;      // times sigmoid(w x)
  std::int64_t count = 1;  // for people: how many the family says there are

  bool operator==(const SharedExpert&) const = default;
};

struct MixtureOfExperts {
  std::int64_t experts = 0;  // E
  FeedForward expert;
  Router router;
  std::optional<SharedExpert> shared;
  std::int64_t input_width = 0;  // of experts between shared projections (latent experts); 0: D

  bool operator==(const MixtureOfExperts&) const = default;
};

enum class NormPlacement {
  kPre,  ///< x += f(norm(x))
  kPost  ///< x = norm(x + f(x))
};

/// Mixer, then feed-forward layer, each with a residual connection and a norm.
struct BlockSpec {
  NormPlacement placement = NormPlacement::kPre;
  Norm norm;
  Mixer mixer;
  std::variant<FeedForward, MixtureOfExperts, Unread> feed_forward;  // Unread: also of a block without one

  /// nullptr for a block without experts.
  const MixtureOfExperts* moe() const { return std::get_if<MixtureOfExperts>(&feed_forward); }
  MixtureOfExperts* moe() { return std::get_if<MixtureOfExperts>(&feed_forward); }
  std::int64_t experts() const { return moe() == nullptr ? 0 : moe()->experts; }

  bool operator==(const BlockSpec&) const = default;
};

}  // namespace espalier::arch
