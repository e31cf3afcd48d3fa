#include "pipeline/verbs/score.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "artifacts/scores.h"
#include "base/error.h"
#include "pipeline/make_verb.h"
#include "prune/score.h"

namespace espalier::pipeline {
namespace {

Scores scores_of_model(const ScoreOptions& options, const Criterion& criterion, const RunContext& context) {
  if (options.min_tokens > 0) {
    throw UserError("--min-tokens: a model alone does not say which expert got how many tokens",
                    "score observations, or leave the option out");
  }
  const Checkpoint checkpoint = Checkpoint::open(options.input);
  std::optional<Checkpoint> reference;
  if (options.reference) reference = Checkpoint::open(*options.reference);
  Scores scores = score_checkpoint(checkpoint, reference ? &*reference : nullptr, criterion, context.seed,
                                   context.progress);
  if (scores.criterion != criterion.name && context.note) {
    context.note(fmt::format("without --reference there is no change: scored by {}, the norm itself",
                             scores.criterion));
  }
  return scores;
}

Scores scores_of(const ScoreOptions& options, const RunContext& context) {
  const Criterion& criterion = find_criterion(options.criterion);
  if (std::filesystem::is_directory(options.input)) return scores_of_model(options, criterion, context);
  if (options.reference) {
    throw UserError("--reference: observations are compared with no second model", "name the model's folder");
  }
  return score_observations(read_observations(options.input), criterion, options.min_tokens, context.seed);
}

std::vector<std::string> expert_names(const Scores& scores,
                                      std::vector<int> (*of)(const LayerScores&, std::int64_t)) {
  std::vector<std::string> names;
  for (const LayerScores& layer : scores.layers) {
    for (const int expert : of(layer, scores.min_tokens))
      names.push_back(fmt::format("{}:{}", layer.layer, expert));
  }
  return names;
}

}  // namespace

void describe(options::OptionTable& table, ScoreOptions& options) {
  table
      .positional("input", options.input, "OBS|MODEL",
                  "observations of a calibration run, or a model's folder for criteria of weights alone")
      .require();
  std::string known = "what is computed of each expert, higher = keep:";
  for (const Criterion& criterion : criteria()) {
    known += fmt::format("\n{}{}: {}", criterion.input == CriterionInput::kWeights ? "MODEL " : "",
                         criterion.name, criterion.definition);
  }
  table.add("criterion", options.criterion, "NAME", known).require();
  table.add("reference", options.reference, "MODEL0", "the model before fine-tuning (router_norm_change)");
  table
      .add("min-tokens", options.min_tokens, "N",
           "protect experts that got fewer tokens: a plan does not drop them")
      .at_least(0);
  table.add("out", options.out, "FILE", "the scores, JSON").require();
}

ScoreSummary score(const ScoreOptions& options, const RunContext& context) {
  const Scores scores = scores_of(options, context);
  write_scores(options.out, scores);
  ScoreSummary summary{options.out, scores.criterion, scores.layers.size(), 0, scores.min_tokens, {}, {}};
  for (const LayerScores& layer : scores.layers) summary.experts += layer.scores.size();
  summary.never_routed =
      expert_names(scores, [](const LayerScores& layer, std::int64_t) { return never_routed(layer); });
  summary.seen_too_rarely = expert_names(scores, seen_too_rarely);
  return summary;
}

nlohmann::ordered_json to_json(const ScoreSummary& summary) {
  return {{"format", "espalier.scoring/1"},
          {"scores", summary.scores.string()},
          {"criterion", summary.criterion},
          {"layers", summary.layers},
          {"experts", summary.experts},
          {"never_routed", summary.never_routed},
          {"seen_too_rarely", summary.seen_too_rarely}};
}

std::string to_text(const ScoreSummary& summary) {
  std::string text = fmt::format("{}: {} of {} experts in {} layers\n", summary.scores.string(),
                                 summary.criterion, summary.experts, summary.layers);
  if (!summary.never_routed.empty())
    text += fmt::format("  never routed (layer:expert): {}\n", fmt::join(summary.never_routed, ", "));
  if (!summary.seen_too_rarely.empty())
    text += fmt::format("  protected, fewer than {} tokens: {}\n", summary.min_tokens,
                        fmt::join(summary.seen_too_rarely, ", "));
  return text;
}

Verb score_verb() {
  return make_verb(
      {"score", "compute one number for each expert, from observations or weights",
       "Examples:\n  espalier score observations.safetensors --criterion reap --out scores.json\n"
       "  espalier score tuned --criterion router_norm_change --reference base --out scores.json",
       30},
      score);
}

}  // namespace espalier::pipeline
