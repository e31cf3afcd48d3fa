#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "artifacts/expert_moments.h"
#include "artifacts/router_config.h"

namespace espalier {

/// Statistics of the experts of one MoE layer over real tokens (padding never counts). Sums of float64: they
/// add up over batches, files and domains; maxima stay maxima. "Routed" means the (token, slot) pairs that
/// the model's own router chose, before capacity; g is the gate that multiplies the expert's output, f(x) the
/// output itself.
struct LayerObservations {
  int layer = 0;                      ///< 0-based block
  std::uint64_t expert_bytes = 0;     ///< that leave the files with one expert, its router row included
  double tokens = 0.0;                ///< N (a merge with weights makes counts fractional)
  std::vector<double> routed;         ///< [E] pairs
  std::vector<double> top1;           ///< [E] tokens whose best expert it is
  std::vector<double> gate_sum;       ///< [E] sum of g over routed tokens
  std::vector<double> top1_gate_sum;  ///< [E] sum of g over `top1` tokens
  std::vector<double> score_sum;      ///< [E] sum over ALL tokens of alpha: scores normalised to 1 over all
                                      ///< experts, before top-k, without correction bias and group masks
  std::vector<double> norm_sum;       ///< [E] sum of ||f(x)||_2 over routed tokens
  std::vector<double> norm_max;       ///< [E]
  std::vector<double> weighted_norm_sum;  ///< [E] sum of g ||f(x)||_2 over routed tokens
  std::vector<double> weighted_norm_max;  ///< [E]
  std::vector<double> output_sum;         ///< [E * D] sum of f(x) over routed tokens, row-major
  std::vector<double> logit_sum;          ///< [E] sum of the router's logits h over all tokens
  std::vector<double> logit_product_sum;  ///< [E * E] sum of h_i h_j over all tokens (diagonal: squares)
  std::vector<double> together;           ///< [E * E] tokens that chose both (diagonal: `routed`), symmetric
  double entropy_sum = 0.0;               ///< nats, of alpha, over all tokens

  // Similarity of experts, where it was asked for.
  std::optional<ExpertMoments> every_expert;  ///< of tokens that all experts computed
  std::optional<ExpertMoments> probes;        ///< of Gaussian vectors instead of tokens
  std::optional<TokenSamples> samples;        ///< single tokens that all experts computed
  std::vector<double> weight_cosine;          ///< [E * E] cosine of weights, neurons aligned; may be empty
  std::vector<float> correction_bias;         ///< [E] of the router; empty: none, or no samples

  std::size_t experts() const { return routed.size(); }                                         ///< E
  std::size_t width() const { return routed.empty() ? 0 : output_sum.size() / routed.size(); }  ///< D

  LayerObservations() = default;
  LayerObservations(int layer, std::size_t experts, std::size_t width);
  /// Sums of `other` times `weight`; maxima of both. Layer, E and D are the same. Similarity is left alone:
  /// see `merge`.
  void add(const LayerObservations& other, double weight = 1.0);
};

/// How often each token id went to each expert: what an expert handles more than its share. Sparse: all
/// pairs of an id that occurred, or none (an observer may leave rare ids out). Ordered by layer, expert,
/// token.
struct TokenUse {
  std::vector<std::int64_t> token;  ///< [P] ids
  std::vector<int> layer, expert;   ///< [P]
  std::vector<double> count;        ///< [P]

  std::size_t size() const { return token.size(); }
  void push_back(std::int64_t id, int in_layer, int to_expert, double times);
};

/// One token that an expert handled, with a little text around it, for people.
struct TokenExample {
  int layer = 0, expert = 0;
  std::int64_t token = 0;  ///< id
  int source = 0;          ///< index into `Observations::data`
  std::int64_t sequence = 0, position = 0;
  double gate = 0.0;
  std::string before, after;  ///< text; empty where no tokenizer was at hand
};

/// One calibration source of a file of observations.
struct ObservedData {
  std::string source;  ///< files as named by the user, joined by ", "
  std::string sha256;  ///< of the token ids that were run
  std::uint64_t seed = 0;
  std::int64_t sequences = 0, sequence_length = 0, tokens = 0;
  double weight = 1.0;  ///< in a merged file
};

/// `observations.safetensors`: statistics of a calibration run.
struct Observations {
  std::string model;  ///< folder, as named by the user
  std::string model_type;
  std::string topology_sha256;  ///< of the model; scores and plans hand it on
  int experts_per_token = 1;    ///< K
  int router_groups = 1;        ///< contiguous blocks of experts that the router chooses among first; 1: none
  int router_top_groups = 1;    ///< groups that a token may choose from
  std::string version;          ///< of Espalier
  std::string hidden_dtype = "F32";    ///< how hidden states were kept between layers
  std::optional<RouterConfig> router;  ///< the model's rule, where single tokens were kept
  std::vector<ObservedData> data;
  std::vector<LayerObservations> layers;  ///< ascending
  TokenUse token_use;
  std::vector<TokenExample> examples;
  std::map<std::int64_t, std::string> token_text;  ///< of the ids above, where a tokenizer was at hand
};

/// Checks what the types do not: lengths, ascending layers, finite numbers, numbers of experts, order. A
/// UserError begins with `where`.
void validate(const Observations& observations, std::string_view where);

/// Deterministic bytes, atomic.
void write_observations(const std::filesystem::path& file, const Observations& observations);
/// Throws UserError naming the file, the tensor and what was expected. Valid.
Observations read_observations(const std::filesystem::path& file);
/// The same, of a whole file in memory.
Observations observations_from_bytes(std::span<const std::byte> bytes, std::string_view where);

/// Sums scaled by the weights (as many as parts, at least one, each finite and > 0); maxima stay maxima; data
/// and examples of all are kept. Moments of all experts add up and single tokens are joined where every part
/// that has tokens has them (and projected alike); else they are left out. Throws UserError where the parts
/// are not of one model.
Observations merge(std::span<const Observations> parts, std::span<const double> weights);

}  // namespace espalier
