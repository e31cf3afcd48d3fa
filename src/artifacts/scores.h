#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// The steps of a training run over which scores were measured.
struct ScoreWindow {
  std::int64_t index = 1;       ///< w, 1-based
  std::int64_t first_step = 1;  ///< optimizer steps, 1-based, inclusive
  std::int64_t last_step = 1;
  std::int64_t tokens = 0;  ///< real tokens (no padding) seen
};

/// One score per expert of a MoE layer.
struct LayerScores {
  int layer = 0;                     ///< 0-based block
  std::vector<double> scores;        ///< [E], higher = keep; NaN = never routed, written as null
  std::vector<std::int64_t> tokens;  ///< [E] (token, slot) pairs routed to each; empty: not counted
  std::vector<int> original;         ///< [E] the experts' numbers at the start of the run
  std::optional<std::uint64_t> expert_bytes{};  ///< that leave the files with one expert and its router row
};

/// `scores.json`, `scores-NNN.json`: how much a model, as it is now, needs each of its experts, and what a
/// plan must know of the model.
struct Scores {
  std::string criterion;                 ///< "alpha", "reap"
  std::optional<ScoreWindow> window;     ///< of a training run; absent for a finished model
  std::optional<int> experts_per_token;  ///< K of the model: a plan needs it
  int router_groups = 1;                 ///< contiguous blocks of experts that lose equally; 1: no groups
  int router_top_groups = 1;             ///< groups that a token may choose from
  std::int64_t min_tokens = 0;           ///< experts that got fewer are not to be dropped
  std::optional<std::uint64_t> seed;     ///< of random scores
  std::optional<std::string> topology_sha256;  ///< of the model: a plan hands it on
  std::vector<LayerScores> layers;             ///< ascending; only layers with a router
};

/// Checks what the type does not: lengths, ascending layers, distinct numbers. A UserError begins with
/// `where`.
void validate(const Scores& scores, std::string_view where);

/// Experts that `min_tokens` protects, ascending.
std::vector<int> seen_too_rarely(const LayerScores& layer, std::int64_t min_tokens);
/// Experts to which no token went, ascending; none where tokens were not counted.
std::vector<int> never_routed(const LayerScores& layer);

std::string scores_to_json(const Scores& scores);
/// Strict: unknown keys and wrong values are a UserError that begins with `where`. Valid.
Scores scores_from_json(std::string_view json, std::string_view where);

/// Atomic.
void write_scores(const std::filesystem::path& file, const Scores& scores);
Scores read_scores(const std::filesystem::path& file);

}  // namespace espalier
