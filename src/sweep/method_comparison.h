#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "artifacts/comparison_result.h"
#include "artifacts/figures.h"
#include "sweep/comparison.h"
#include "sweep/method_grid.h"

namespace espalier {

/// One pruned model, compared with the full one on every text.
struct MethodRun {
  std::string calibration;  ///< or kDataFree
  std::string keep, method;
  std::uint64_t seed = 0;
  std::map<std::string, ComparisonResult> texts;  ///< evaluation text -> comparison
  double seconds = 0.0;                           ///< score, plan, apply and verify
  std::uint64_t peak_rss_bytes = 0;
};

/// What is compared with what, and the runs that are finished.
struct MethodComparison {
  std::string model, reference;
  std::vector<std::string> methods, keep, calibrations, texts;  ///< in the order of the grid
  std::vector<MethodRun> runs;
  std::size_t planned = 0;
};

/// Reads the finished runs' manifests and comparisons. Throws UserError for a run with other options, or a
/// file that is absent or damaged.
MethodComparison compare_methods(const MethodGrid& grid, std::span<const GridRun> runs);

enum class MethodMetric { kPerplexity, kKlDivergence, kTop1Agreement };
double value_of(const ComparisonResult& result, MethodMetric metric);

/// A cell's values by seed. A method without data has the same ones under every calibration.
SeedScores values_of(const MethodComparison& comparison, MethodMetric metric, const std::string& text,
                     const std::string& calibration, const std::string& keep, const std::string& method);

/// Markdown, also made to be read as it is.
std::string method_markdown(const MethodComparison& comparison, const std::string& title);
/// `sweep.json`, "espalier.methods/1": docs/formats/sweep.md.
std::string method_json(const MethodComparison& comparison, const std::string& title);

/// Perplexity over the share kept on each evaluation text, observed on the first calibration text: a line for
/// each method, whiskers from the least to the largest of its seeds. None without finished runs.
std::vector<Figure> method_figures(const MethodComparison& comparison);

}  // namespace espalier
