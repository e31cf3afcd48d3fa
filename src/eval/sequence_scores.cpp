#include "eval/sequence_scores.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "data/token_sequences.h"

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

void check_ids(const Inputs& inputs, const DecoderModel& model) {
  for (const Target& target : inputs.targets) {
    if (target.id >= 0 && target.id < model.config.vocab_size) continue;
    throw UserError(
        fmt::format("token id {} is outside the vocabulary of {}", target.id, model.config.vocab_size),
        "make the tokens with the model's own tokenizer");
  }
}

/// What of a target's logits a score needs.
struct RowLogits {
  torch::Tensor logits;        // [m, V]
  torch::Tensor log_sums;      // [m], of their exponentials
  torch::Tensor first_choice;  // [m] int64

  explicit RowLogits(const torch::Tensor& rows)
      : logits(rows), log_sums(rows.logsumexp(-1)), first_choice(rows.argmax(-1)) {}
  void add_to(SequenceScore& score, std::int64_t row, std::int64_t id) const {
    const double logit = logits.data_ptr<float>()[row * logits.size(1) + id];
    score.log_likelihood += logit - static_cast<double>(log_sums.data_ptr<float>()[row]);
    score.greedy = score.greedy && first_choice.data_ptr<std::int64_t>()[row] == id;
  }
};

/// Adds the targets of rows[first ..) to their sequences' scores; `next` goes through the targets.
void add_scores(const Inputs& inputs, std::size_t first, const RowLogits& rows, std::size_t& next,
                std::vector<SequenceScore>& scores) {
  for (std::int64_t i = 0; i < rows.logits.size(0); ++i) {
    const std::int64_t row = inputs.rows[first + static_cast<std::size_t>(i)];
    for (; next < inputs.targets.size() && inputs.targets[next].row == row; ++next) {
      const Target& target = inputs.targets[next];
      rows.add_to(scores[target.sequence], i, target.id);
    }
  }
}

}  // namespace

std::vector<SequenceScore> score_sequences(const DecoderModel& model,
                                           std::span<const ScoredSequence> sequences,
                                           const StreamOptions& options) {
  const torch::NoGradGuard no_gradients;
  const Inputs inputs = inputs_of(sequences);
  check_ids(inputs, model);
  std::vector<SequenceScore> scores(sequences.size());
  if (inputs.rows.empty()) return scores;
  const HiddenStates states = run_blocks(model, pack(inputs.sequences), options);
  std::size_t next = 0;
  for_each_logits(model, states, inputs.rows, [&](std::size_t first, const torch::Tensor& logits) {
    add_scores(inputs, first, RowLogits(logits.contiguous()), next, scores);
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

ModelComparison compare_models(const DecoderModel& first, const DecoderModel& second,
                               std::span<const ScoredSequence> windows, const StreamOptions& options) {
  if (first.config.vocab_size != second.config.vocab_size) {
    throw UserError(
        fmt::format("vocabularies of {} and {} tokens", first.config.vocab_size, second.config.vocab_size),
        "models are compared token by token: both need the same vocabulary");
  }
  const torch::NoGradGuard no_gradients;
  const Inputs inputs = inputs_of(windows);
  check_ids(inputs, first);
  const PackedTokens tokens = pack(inputs.sequences);
  StreamOptions of_second = options;  // each model's hidden states have a file of their own
  if (!options.spill.empty()) of_second.spill = options.spill.string() + "-second";
  const HiddenStates states_a = run_blocks(first, tokens, options);
  const HiddenStates states_b = run_blocks(second, tokens, of_second);
  std::vector<SequenceScore> scores_a(windows.size()), scores_b(windows.size());
  std::size_t next_a = 0, next_b = 0;
  ModelComparison comparison;
  double kl_sum = 0.0, agreeing = 0.0;
  for_each_logits(first, states_a, inputs.rows, [&](std::size_t at, const torch::Tensor& logits_a) {
    const RowLogits a(logits_a.contiguous());
    const auto rows =
        std::span<const std::int64_t>(inputs.rows).subspan(at, static_cast<std::size_t>(a.logits.size(0)));
    for_each_logits(second, states_b, rows, [&](std::size_t inner, const torch::Tensor& logits_b) {
      const RowLogits b(logits_b.contiguous());
      const auto begin = static_cast<std::int64_t>(inner), count = b.logits.size(0);
      const auto log_a = a.logits.narrow(0, begin, count).log_softmax(-1), log_b = b.logits.log_softmax(-1);
      const auto kl = (log_a.exp() * (log_a - log_b)).sum(-1).to(torch::kFloat64);
      kl_sum += kl.sum().item<double>();
      comparison.kl_divergence_max = std::max(comparison.kl_divergence_max, kl.max().item<double>());
      agreeing += a.first_choice.narrow(0, begin, count).eq(b.first_choice).sum().item<double>();
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
