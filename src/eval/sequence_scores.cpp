#include "eval/sequence_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "data/token_sequences.h"
#include "eval/logit_rows.h"

namespace espalier {
namespace {

/// A token to score: the row of the packed inputs that predicts it, and whose it is.
struct Target {
  std::int64_t row = 0;
  std::int64_t id = 0;
  std::size_t sequence = 0;
};

/// What runs through a model: the sequences without their last tokens, which nothing comes after, each once.
struct Inputs {
  TokenSequences sequences;
  std::vector<Target> targets;     // by row
  std::vector<std::int64_t> rows;  // of the targets, ascending, each once
};

Inputs inputs_of(std::span<const ScoredSequence> sequences) {
  Inputs inputs;
  std::map<std::vector<std::int64_t>, std::int64_t> first_row;  // of an input
  std::int64_t rows = 0;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto& [ids, scored] = sequences[s];
    if (scored < 1) continue;
    std::vector<std::int64_t> input(ids.begin(), ids.end() - 1);
    const auto [known, is_new] = first_row.try_emplace(input, rows);
    if (is_new) {
      rows += static_cast<std::int64_t>(input.size());
      inputs.sequences.push_back(std::move(input));
    }
    const auto length = static_cast<std::int64_t>(ids.size());
    for (std::int64_t at = length - scored; at < length; ++at) {
      inputs.targets.push_back({known->second + at - 1, ids[static_cast<std::size_t>(at)], s});
    }
  }
  std::stable_sort(inputs.targets.begin(), inputs.targets.end(),
                   [](const Target& a, const Target& b) { return a.row < b.row; });
  for (const Target& target : inputs.targets) {
    if (inputs.rows.empty() || inputs.rows.back() != target.row) inputs.rows.push_back(target.row);
  }
  return inputs;
}

void check_ids(const Inputs& inputs, const infer::DecoderModel& model) {
  for (const Target& target : inputs.targets) {
    if (target.id >= 0 && target.id < model.vocabulary()) continue;
    throw UserError(fmt::format("token id {} is outside the vocabulary of {}", target.id, model.vocabulary()),
                    "make the tokens with the model's own tokenizer");
  }
}

/// Adds the targets of rows[first ..) to their sequences' scores; `next` goes through the targets.
void add_scores(const Inputs& inputs, std::size_t first, const LogitRows& rows, std::size_t& next,
                std::vector<SequenceScore>& scores) {
  for (std::int64_t i = 0; i < rows.count(); ++i) {
    const std::int64_t row = inputs.rows[first + static_cast<std::size_t>(i)];
    for (; next < inputs.targets.size() && inputs.targets[next].row == row; ++next) {
      const Target& target = inputs.targets[next];
      SequenceScore& score = scores[target.sequence];
      score.log_likelihood += rows.log_probability(i, target.id);
      score.greedy = score.greedy && rows.first_choice(i) == target.id;
    }
  }
}

}  // namespace

std::vector<SequenceScore> score_sequences(const infer::DecoderModel& model,
                                           std::span<const ScoredSequence> sequences,
                                           const infer::StreamOptions& options) {
  const Inputs inputs = inputs_of(sequences);
  check_ids(inputs, model);
  std::vector<SequenceScore> scores(sequences.size());
  if (inputs.rows.empty()) return scores;
  const infer::HiddenStates states = run_blocks(model, infer::pack(inputs.sequences), options);
  std::size_t next = 0;
  for_each_logits(model, states, inputs.rows, [&](std::size_t first, std::int64_t m, const float* logits) {
    add_scores(inputs, first, LogitRows(m, model.vocabulary(), logits), next, scores);
  });
  return scores;
}

double Perplexity::value() const {
  return std::exp(loss);
}

Perplexity perplexity_of(std::span<const ScoredSequence> windows, std::span<const SequenceScore> scores) {
  Perplexity perplexity;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    perplexity.loss -= scores[i].log_likelihood;
    perplexity.tokens += windows[i].scored;
  }
  perplexity.loss /= static_cast<double>(perplexity.tokens);
  return perplexity;
}

ModelComparison compare_models(const infer::DecoderModel& first, const infer::DecoderModel& second,
                               std::span<const ScoredSequence> windows, const infer::StreamOptions& options) {
  if (first.vocabulary() != second.vocabulary()) {
    throw UserError(fmt::format("vocabularies of {} and {} tokens", first.vocabulary(), second.vocabulary()),
                    "models are compared token by token: both need the same vocabulary");
  }
  const Inputs inputs = inputs_of(windows);
  check_ids(inputs, first);
  const infer::PackedTokens tokens = infer::pack(inputs.sequences);
  infer::StreamOptions of_second = options;  // each model's hidden states have a file of their own
  if (!options.spill.empty()) of_second.spill = options.spill.string() + "-second";
  const infer::HiddenStates states_a = infer::run_blocks(first, tokens, options);
  const infer::HiddenStates states_b = run_blocks(second, tokens, of_second);
  std::vector<SequenceScore> scores_a(windows.size()), scores_b(windows.size());
  std::size_t next_a = 0, next_b = 0;
  ModelComparison comparison;
  const auto V = first.vocabulary();
  double kl_sum = 0.0, agreeing = 0.0;
  for_each_logits(first, states_a, inputs.rows, [&](std::size_t at, std::int64_t m, const float* logits_a) {
    const LogitRows a(m, V, logits_a);
    const auto rows = std::span<const std::int64_t>(inputs.rows).subspan(at, static_cast<std::size_t>(m));
    for_each_logits(second, states_b, rows, [&](std::size_t inner, std::int64_t n, const float* logits_b) {
      const LogitRows b(n, V, logits_b);
      const auto begin = static_cast<std::int64_t>(inner);
      for (std::int64_t i = 0; i < n; ++i) agreeing += a.first_choice(begin + i) == b.first_choice(i) ? 1 : 0;
      for (const double kl : kl_divergences(a, begin, b)) {
        kl_sum += kl;
        comparison.kl_divergence_max = std::max(comparison.kl_divergence_max, kl);
      }
      add_scores(inputs, at + inner, b, next_b, scores_b);
    });
    add_scores(inputs, at, a, next_a, scores_a);
  });
  const auto positions = static_cast<double>(inputs.rows.size());
  comparison.kl_divergence = kl_sum / positions;
  comparison.top1_agreement = agreeing / positions;
  comparison.first = perplexity_of(windows, scores_a);
  comparison.second = perplexity_of(windows, scores_b);
  return comparison;
}

}  // namespace espalier
