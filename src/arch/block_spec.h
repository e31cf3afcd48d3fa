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
  bool from_one = false;  ///< what is stored is w - 1 (Gemma)
  bool bias = true;       ///< kLayer: b is there

  bool operator==(const Norm&) const = default;
};

/// YaRN (Peng et al. 2023, arXiv 2309.00071): high frequencies as they are, low ones divided by `factor`.
struct Yarn {
  double factor = 1.0, beta_fast = 32.0, beta_slow = 1.0, mscale = 1.0, mscale_all_dim = 0.0;
  std::int64_t original_positions = 4096;
  std::optional<double> attention_factor;  ///< of cosines and sines; absent: by mscale, see `yarn_amplitude`
  bool truncate = true;                    ///< the ramp begins and ends at whole pairs

  bool operator==(const Yarn&) const = default;
};

/// Llama 3's scaling (Meta 2024): wavelengths beyond `original_positions` / `low` are `factor` times as long,
/// those below `original_positions` / `high` as they are, with a linear ramp of the frequency between.
struct LongRotary {
  double factor = 8.0, low = 1.0, high = 4.0;
  std::int64_t original_positions = 8192;

  bool operator==(const LongRotary&) const = default;
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
  std::optional<LongRotary> longer;

  bool operator==(const Rotary&) const = default;
};

/// RMS norm of queries and keys; kUnit has no weight.
enum class QueryKeyNorm { kNone, kPerHead, kAllHeads, kUnit };

/// What the heads' results are multiplied with, from the block's normed input.
enum class OutputGate {
  kNone,
  kInQueries,   ///< sigmoid of as many more outputs of the query projection, behind each head's queries
  kPerElement,  ///< sigmoid of a projection of its own [H value_width, D]
  kPerHead,     ///< sigmoid of [H, D]
  kPerHeadSoftplus
};

/// Queries at position t are multiplied with 1 + coefficient * ln(1 + floor((t + shift) / positions)).
struct QueryTemperature {
  double coefficient = 0.1;
  std::int64_t positions = 8192, shift = 0;

  bool operator==(const QueryTemperature&) const = default;
};

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
  bool chunks = false;               // `window` is the size of chunks, and a token sees none but its own
  QueryKeyNorm query_key_norm = QueryKeyNorm::kNone;  // with the block's epsilon
  bool norm_after_rotation = false;
  bool sinks = false;  // one more logit a head in every softmax, which has no value (Xiao et al. 2024)
  OutputGate output_gate = OutputGate::kNone;
  double value_scale = 1.0;
  std::optional<QueryTemperature> temperature;
  std::optional<double> clip;  // queries, keys and values are clamped to +- this, after the norm
  bool query_key_value_bias = false, output_bias = false;

  bool operator==(const GroupedAttention&) const = default;
};

/// Which keys a query sees of those before it: the `most` with the largest sum over the indexer's heads of
/// weight * relu(query . key / sqrt(width)) (DeepSeek-AI 2025, DeepSeek-V3.2, 2.1). Up to `most` it sees all.
struct KeyIndexer {
  std::int64_t heads = 0, width = 0, most = 0;
  RotaryPairs pairs = RotaryPairs::kHalves;  // of the turned part, which comes first
  bool shared = false;                       // there is none: the last block's choice counts

  bool operator==(const KeyIndexer&) const = default;
};

/// Multi-head latent attention (DeepSeek-AI 2024, arXiv 2405.04434, 2.1). Keys are `nope_width` numbers of
/// each head and `rotary.width` turned ones that all heads share.
struct LatentAttention {
  std::int64_t heads = 0;                  // H
  std::optional<std::int64_t> query_rank;  // absent: queries come straight from the input
  std::int64_t key_value_rank = 0;
  std::int64_t nope_width = 0, value_width = 0;  // of a head
  double norm_epsilon = 1e-6;                    // of the norms of both ranks, whatever the blocks' is
  double scale = 1.0;                            // of query times key, before the softmax
  std::int64_t window = 0;
  Rotary rotary;
  std::optional<QueryTemperature> temperature;
  std::optional<KeyIndexer> indexer;
  bool down_bias = false, output_bias = false;  // of the projections to the ranks; of the output

  std::int64_t key_width() const { return nope_width + rotary.width; }
  bool operator==(const LatentAttention&) const = default;
};

/// Gated DeltaNet (Yang et al. 2024, arXiv 2412.06464): each value head has a state [key width, value width],
/// which fades and is corrected towards every token's value. A causal convolution of each channel stands
/// before it.
struct GatedDelta {
  std::int64_t key_heads = 0, value_heads = 0;  // the former divide the latter
  std::int64_t key_width = 0, value_width = 0;  // of a head
  std::int64_t kernel = 4;                      // taps of the convolution
  /// Rows of the input projection: of each key head its query, key, values and gates; else all queries, keys,
  /// values, and the gates in a projection of their own.
  bool rows_by_key_head = false;

  std::int64_t keys() const { return key_heads * key_width; }
  std::int64_t values() const { return value_heads * value_width; }
  std::int64_t channels() const { return 2 * keys() + values(); }
  bool operator==(const GatedDelta&) const = default;
};

/// y = output(c * convolution(b * x)), where b, c and x are the three thirds of the input projection (Liquid
/// AI 2025).
struct ShortConvolution {
  std::int64_t channels = 0;  // D
  std::int64_t kernel = 3;
  bool biases = false;

  bool operator==(const ShortConvolution&) const = default;
};

/// Mamba2 (Dao and Gu 2024, arXiv 2405.21060): each head has a state [width, state], which fades with the
/// time step; heads share inputs and outputs of the state in groups.
struct Mamba2 {
  std::int64_t value_heads = 0, width = 0;  // of a head
  std::int64_t state = 0, groups = 1;
  std::int64_t norm_groups = 1;  // parts of all heads' outputs that are normed by themselves
  std::int64_t kernel = 4;
  bool biases = false, convolution_bias = true;
  double shortest_step = 0.0;

  std::int64_t values() const { return value_heads * width; }
  std::int64_t channels() const { return values() + 2 * groups * state; }
  bool operator==(const Mamba2&) const = default;
};

/// A part of a model whose files can be pruned, but that nothing here computes.
struct Unread {
  std::int64_t heads = 0;  // H

  bool operator==(const Unread&) const = default;
};

/// What a block of one part does not have.
struct Absent {
  bool operator==(const Absent&) const = default;
};

using Mixer =
    std::variant<GroupedAttention, LatentAttention, GatedDelta, ShortConvolution, Mamba2, Unread, Absent>;
/// A mixer that carries a state along, and no keys.
bool has_state(const Mixer& mixer);

std::int64_t heads_of(const Mixer& mixer);  ///< H
/// nullptr where nothing is turned.
const Rotary* rotary_of(const Mixer& mixer);

/// GELU: the exact one, by erf, and the usual approximation of it by tanh.
enum class Activation { kSilu, kGelu, kRelu, kGeluTanh, kSquaredRelu };

/// Bounds inside a gated network.
struct GatedLimit {
  double most = 7.0;           ///< of the gate; up stays within -most .. most
  bool of_activation = false;  ///< the gate's bound is on act(gate)

  bool operator==(const GatedLimit&) const = default;
};

/// gated: down(act(gate(x)) * up(x)); plain: down(act(up(x))).
struct FeedForward {
  std::int64_t width = 0;  // F
  bool gated = true;
  Activation activation = Activation::kSilu;
  bool biases = false;
  std::optional<GatedLimit> limit = std::nullopt;
  double silu_slope = 1.0;  ///< silu(x) = x sigmoid(slope x)
  double up_shift = 0.0;    ///< is added to up(x)

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
  bool bias = false;           // of the logits
  bool scales_input = false;   // gates multiply what experts are given, not what they give

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
  double output_scale = 1.0;     // of the sum of all experts' outputs, the shared one's too

  bool operator==(const MixtureOfExperts&) const = default;
};

enum class NormPlacement {
  kPre,  ///< x += f(norm(x))
  kPost  ///< x = norm(x + f(x))
};

/// How a kPre block's parts are added to what goes on: x += multiplier * norm_out(f(norm_in(x))).
struct Residual {
  double multiplier = 1.0;
  bool input_norms = true;
  bool mixer_output_norm = false, feed_forward_output_norm = false;
  bool parallel = false;  ///< both parts see the same norm_in(x), and there is one

  bool operator==(const Residual&) const = default;
};

/// Mixer, then feed-forward layer, each with a residual connection and a norm.
struct BlockSpec {
  NormPlacement placement = NormPlacement::kPre;
  Norm norm;
  Mixer mixer;
  std::variant<FeedForward, MixtureOfExperts, Unread, Absent> feed_forward;
  Residual residual = {};

  /// nullptr for a block without experts.
  const MixtureOfExperts* moe() const { return std::get_if<MixtureOfExperts>(&feed_forward); }
  MixtureOfExperts* moe() { return std::get_if<MixtureOfExperts>(&feed_forward); }
  std::int64_t experts() const { return moe() == nullptr ? 0 : moe()->experts; }

  bool operator==(const BlockSpec&) const = default;
};

}  // namespace espalier::arch
