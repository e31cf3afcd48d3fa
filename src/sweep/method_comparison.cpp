#include "sweep/method_comparison.h"

#include "artifacts/json_fields.h"
#include "artifacts/run_manifest.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

constexpr const char* kMethodSteps[] = {"score", "plan", "apply", "verify"};

MethodRun read_run(const GridRun& run, const MethodComparison& comparison) {
  MethodRun result;
  for (const auto& keep : comparison.keep)
    if (run.task.ends_with("-" + keep)) result.keep = keep;
  result.calibration = run.task.substr(0, run.task.size() - result.keep.size() - 1);
  result.method = run.setting;
  result.seed = run.seed;
  for (const auto& text : comparison.texts)
    result.texts[text] = read_comparison_result(run.folder / ("compare-" + text + ".json"));
  const auto manifest = read_manifest(run.folder / "manifest.json");
  for (const auto* step : kMethodSteps)
    if (const auto found = manifest.timings_seconds.find(step); found != manifest.timings_seconds.end())
      result.seconds += found->second;
  result.peak_rss_bytes = manifest.peak_rss_bytes;
  return result;
}

ordered_json json_of(const MethodRun& run) {
  ordered_json json{{"calibration", run.calibration},
                    {"keep", run.keep},
                    {"method", run.method},
                    {"seed", run.seed},
                    {"texts", ordered_json::object()},
                    {"seconds", run.seconds},
                    {"peak_rss_bytes", run.peak_rss_bytes}};
  for (const auto& [text, result] : run.texts)
    json["texts"][text] = {{"perplexity", number_or_null(result.second_perplexity)},
                           {"kl_divergence", number_or_null(result.kl_divergence)},
                           {"top1_agreement", number_or_null(result.top1_agreement)}};
  return json;
}

}  // namespace

MethodComparison compare_methods(const MethodGrid& grid, std::span<const GridRun> runs) {
  MethodComparison comparison;
  comparison.model = grid.model;
  comparison.reference = grid.reference;
  for (const auto& method : grid.methods) comparison.methods.push_back(method.name);
  comparison.keep = grid.keep;
  comparison.calibrations = names_of(grid.calibration);
  for (const auto& mixture : grid.mixtures) comparison.calibrations.push_back(mixture.name);
  comparison.texts = names_of(grid.evaluation);
  comparison.planned = runs.size();
  for (const auto& run : runs)
    if (state_of(run) == RunState::kFinished) comparison.runs.push_back(read_run(run, comparison));
  return comparison;
}

double value_of(const ComparisonResult& result, MethodMetric metric) {
  switch (metric) {
    case MethodMetric::kPerplexity:
      return result.second_perplexity;
    case MethodMetric::kKlDivergence:
      return result.kl_divergence;
    case MethodMetric::kTop1Agreement:
      return 100 * result.top1_agreement;
  }
  return 0.0;
}

SeedScores values_of(const MethodComparison& comparison, MethodMetric metric, const std::string& text,
                     const std::string& calibration, const std::string& keep, const std::string& method) {
  SeedScores scores;
  for (const auto& run : comparison.runs) {
    if (run.keep != keep || run.method != method) continue;
    if (run.calibration != calibration && run.calibration != kDataFree) continue;
    scores[run.seed] = value_of(run.texts.at(text), metric);
  }
  return scores;
}

std::string method_json(const MethodComparison& comparison, const std::string& title) {
  ordered_json json{{"format", "espalier.methods/1"},
                    {"grid", title},
                    {"model", comparison.model},
                    {"planned", comparison.planned},
                    {"finished", comparison.runs.size()},
                    {"methods", comparison.methods},
                    {"keep", comparison.keep},
                    {"calibrations", comparison.calibrations},
                    {"texts", comparison.texts},
                    {"reference", comparison.reference},
                    {"full", ordered_json::object()},
                    {"runs", ordered_json::array()}};
  for (const auto& text : comparison.texts)
    if (!comparison.runs.empty())
      json["full"][text] = {
          {"perplexity", number_or_null(comparison.runs.front().texts.at(text).first_perplexity)},
          {"tokens", comparison.runs.front().texts.at(text).tokens}};
  for (const auto& run : comparison.runs) json["runs"].push_back(json_of(run));
  return to_readable_json_text(json);
}

}  // namespace espalier
