#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "artifacts/scores.h"
#include "surgery/result_files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

std::string model_name(const fs::path& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
}

/// "8", or "4 to 8" where layers differ.
std::string range_of(const std::vector<std::int64_t>& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return *least == *most ? fmt::to_string(*least) : fmt::format("{} to {}", *least, *most);
}

/// The line of the model's own card that states the licence.
std::string licence_line(const fs::path& card) {
  std::error_code error;
  if (!fs::is_regular_file(card, error)) return {};
  const std::string text = read_file(card);
  if (!text.starts_with("---\n")) return {};
  const std::string front = text.substr(4, text.find("\n---", 4) - 4);
  const std::size_t at = front.starts_with("license:") ? 0 : front.find("\nlicense:");
  if (at == std::string::npos) return {};
  const std::size_t begin = at == 0 ? 0 : at + 1;
  return front.substr(begin, front.find('\n', begin) - begin) + "\n";
}

std::string figures(const PreparedSurgery& prepared) {
  const ApplySummary& s = prepared.summary;
  std::string text = "| | before | after |\n|---|---|---|\n";
  const auto row = [&](std::string_view what, const auto& before, const auto& after) {
    text += fmt::format("| {} | {} | {} |\n", what, before, after);
  };
  row("experts in a MoE layer", range_of(s.experts_before), range_of(s.experts_after));
  row("experts per token", prepared.surgery.topology.experts_per_token, prepared.surgery.experts_per_token);
  row("parameters", s.parameters_before, s.parameters_after);
  row("parameters per token", s.parameters_per_token_before, s.parameters_per_token_after);
  row("bytes of safetensors files", s.file_bytes_before, s.file_bytes_after);
  return text;
}

std::string removed(const PreparedSurgery& prepared) {
  std::string text = "| layer | stay, by their old numbers | go |\n|---|---|---|\n";
  for (std::size_t i = 0; i < prepared.surgery.layers.size(); ++i) {
    const MoeLayerTensors& layer = prepared.surgery.topology.layers[i];
    const LayerSurgery& surgery = prepared.surgery.layers[i];
    text += fmt::format("| {} | {} | {} |\n", layer.layer, fmt::join(surgery.keep, " "),
                        layer.num_experts - static_cast<std::int64_t>(surgery.keep.size()));
    for (const ExpertMerge& merge : surgery.merge)
      text += fmt::format("| | {} = {} times {} | |\n", merge.into, fmt::join(merge.weights, ", "),
                          fmt::join(merge.from, ", "));
  }
  return text;
}

/// What the removed experts had of a layer's scores and tokens.
struct Cost {
  double score = 0, removed_score = 0, tokens = 0, removed_tokens = 0;
};

Cost cost_of(const LayerScores& scores, const std::vector<int>& keep) {
  Cost cost;
  for (std::size_t expert = 0; expert < scores.scores.size(); ++expert) {
    const bool kept = std::binary_search(keep.begin(), keep.end(), static_cast<int>(expert));
    const double score = std::isfinite(scores.scores[expert]) ? scores.scores[expert] : 0;
    const double tokens = expert < scores.tokens.size() ? static_cast<double>(scores.tokens[expert]) : 0;
    cost.score += score;
    cost.tokens += tokens;
    if (kept) continue;
    cost.removed_score += score;
    cost.removed_tokens += tokens;
  }
  return cost;
}

std::string cost(const PreparedSurgery& prepared, const ApplyOptions& options) {
  if (!options.scores)
    return "No scores were given when the plan was applied, and no quality was measured: compare the two "
           "models "
           "on your data before use.\n";
  const Scores scores = read_scores(*options.scores);
  std::string text = fmt::format(
      "Of the layer's sum of scores ({}) and of its routed tokens in calibration, the removed experts "
      "had:\n\n"
      "| layer | scores | tokens |\n|---|---|---|\n",
      scores.criterion);
  for (std::size_t i = 0; i < prepared.surgery.layers.size(); ++i) {
    for (const LayerScores& layer : scores.layers) {
      if (layer.layer != prepared.surgery.topology.layers[i].layer) continue;
      const Cost c = cost_of(layer, prepared.surgery.layers[i].keep);
      const auto percent = [](double part, double whole) {
        return whole > 0 ? fmt::format("{:.1f}%", 100 * part / whole) : std::string("-");
      };
      text += fmt::format("| {} | {} | {} |\n", layer.layer, percent(c.removed_score, c.score),
                          percent(c.removed_tokens, c.tokens));
    }
  }
  return text +
         "\nThis is what the criterion saw, not a quality: compare the two models on your data before use.\n";
}

std::string notes(const ApplySummary& summary) {
  if (summary.notes.empty()) return {};
  std::string text = "\n## To know\n\n";
  for (const std::string& note : summary.notes) text += fmt::format("- {}\n", note);
  return text;
}

}  // namespace

std::string model_card(const PreparedSurgery& prepared, const ApplyOptions& options) {
  const std::string name = model_name(options.model);
  const PlanProvenance& plan = prepared.plan.provenance;
  std::string text = fmt::format("---\n{}tags:\n- mixture-of-experts\n- pruned\n- espalier\n---\n\n",
                                 licence_line(options.model / "README.md"));
  text += fmt::format(
      "# {0}, pruned\n\n{0} ({1}) without some of its experts, written by Espalier {2}. Every tensor that "
      "stays is "
      "{3}.\n\n",
      name, prepared.summary.model_type, ESPALIER_VERSION,
      std::any_of(prepared.surgery.layers.begin(), prepared.surgery.layers.end(),
                  [](const LayerSurgery& layer) { return !layer.merge.empty(); })
          ? "byte for byte the original's, but for merged experts"
          : "byte for byte the original's");
  text += figures(prepared);
  text += fmt::format("\n## What was removed\n\nCriterion {}, schedule {}, router {}.\n\n{}", plan.criterion,
                      plan.schedule, plan_router_name(prepared.plan.router), removed(prepared));
  text += "\n## What it cost\n\n" + cost(prepared, options);
  text += notes(prepared.summary);
  text += fmt::format(
      "\n## How\n\n```sh\n{}\n```\n\n`espalier/plan.json` is the plan, `espalier/apply.json` the record; "
      "`espalier "
      "verify` proves what stayed against the original.\n",
      fmt::join(options.command, " "));
  return text;
}

}  // namespace espalier
