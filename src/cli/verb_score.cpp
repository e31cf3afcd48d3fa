#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "artifacts/scores.h"
#include "base/error.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "prune/score.h"

namespace espalier {
namespace {

struct ScoreArguments {
  std::string input;
  std::string criterion;
  std::optional<std::string> reference;
  std::int64_t min_tokens = 0;
  std::string out;
};

Scores scores_of_model(const ScoreArguments& arguments, const Criterion& criterion,
                       const GlobalOptions& global) {
  if (arguments.min_tokens > 0) {
    throw UserError("--min-tokens: a model alone does not say which expert got how many tokens",
                    "score observations, or leave the option out");
  }
  const Terminal terminal(global);
  const Checkpoint checkpoint = Checkpoint::open(arguments.input);
  std::optional<Checkpoint> reference;
  if (arguments.reference) reference = Checkpoint::open(*arguments.reference);
  Scores scores = score_checkpoint(checkpoint, reference ? &*reference : nullptr, criterion, global.seed,
                                   terminal.progress());
  terminal.finish();
  if (scores.criterion != criterion.name) {
    terminal.notes()(fmt::format("without --reference there is no change: scored by {}, the norm itself",
                                 scores.criterion));
  }
  return scores;
}

Scores scores_of(const ScoreArguments& arguments, const GlobalOptions& global) {
  const Criterion& criterion = find_criterion(arguments.criterion);
  if (std::filesystem::is_directory(arguments.input)) return scores_of_model(arguments, criterion, global);
  if (arguments.reference) {
    throw UserError("--reference: observations are compared with no second model", "name the model's folder");
  }
  return score_observations(read_observations(arguments.input), criterion, arguments.min_tokens, global.seed);
}

/// "3:5, 3:7": block and expert.
std::vector<std::string> expert_names(const Scores& scores,
                                      std::vector<int> (*of)(const LayerScores&, std::int64_t)) {
  std::vector<std::string> names;
  for (const LayerScores& layer : scores.layers) {
    for (const int expert : of(layer, scores.min_tokens))
      names.push_back(fmt::format("{}:{}", layer.layer, expert));
  }
  return names;
}

void print(const ScoreArguments& arguments, const Scores& scores, const GlobalOptions& global) {
  const auto never =
      expert_names(scores, [](const LayerScores& layer, std::int64_t) { return never_routed(layer); });
  const auto rare = expert_names(scores, seen_too_rarely);
  std::size_t experts = 0;
  for (const LayerScores& layer : scores.layers) experts += layer.scores.size();
  if (global.json) {
    const nlohmann::ordered_json json{
        {"format", "espalier.scoring/1"}, {"scores", arguments.out}, {"criterion", scores.criterion},
        {"layers", scores.layers.size()}, {"experts", experts},      {"never_routed", never},
        {"seen_too_rarely", rare}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}: {} of {} experts in {} layers\n", arguments.out, scores.criterion, experts,
                           scores.layers.size());
  if (!never.empty()) std::cout << fmt::format("  never routed (layer:expert): {}\n", fmt::join(never, ", "));
  if (!rare.empty()) {
    std::cout << fmt::format("  protected, fewer than {} tokens: {}\n", scores.min_tokens,
                             fmt::join(rare, ", "));
  }
}

}  // namespace

void add_score(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<ScoreArguments>();
  app.add_option("input", arguments->input,
                 "observations of a calibration run, or a model's folder for criteria of weights alone")
      ->required()
      ->type_name("OBS|MODEL");
  std::string known = "what is computed of each expert, higher = keep:";
  for (const Criterion& criterion : criteria()) {
    known += fmt::format("\n{}{}: {}", criterion.weights != nullptr ? "MODEL " : "", criterion.name,
                         criterion.definition);
  }
  app.add_option("--criterion", arguments->criterion, known)->required()->type_name("NAME");
  app.add_option("--reference", arguments->reference, "the model before fine-tuning (router_norm_change)")
      ->type_name("MODEL0");
  app.add_option("--min-tokens", arguments->min_tokens,
                 "protect experts that got fewer tokens: a plan does not drop them")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--out", arguments->out, "the scores, JSON")->required()->type_name("FILE");
  app.footer(
      "Examples:\n  espalier score observations.safetensors --criterion reap --out scores.json\n"
      "  espalier score tuned --criterion router_norm_change --reference base --out scores.json");
  app.callback([arguments, &global] {
    const Scores scores = scores_of(*arguments, global);
    write_scores(arguments->out, scores);
    print(*arguments, scores, global);
  });
}

}  // namespace espalier
