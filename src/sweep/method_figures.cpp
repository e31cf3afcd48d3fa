#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sweep/method_comparison.h"

namespace espalier {
namespace {

/// "0.5" is half of the experts: 50; "4" is four.
double kept_of(const std::string& keep) {
  return keep.find('.') == std::string::npos ? std::stod(keep) : 100 * std::stod(keep);
}

/// Shares and numbers of experts have no axis in common.
bool all_are_shares(const std::vector<std::string>& keep) {
  return std::all_of(keep.begin(), keep.end(),
                     [](const std::string& one) { return one.find('.') != std::string::npos; });
}

FigureSeries series_of(const MethodComparison& comparison, const std::string& text,
                       const std::string& method) {
  FigureSeries series;
  series.name = method;
  for (const std::string& keep : comparison.keep) {
    const auto scores =
        values_of(comparison, MethodMetric::kPerplexity, text, comparison.calibrations.front(), keep, method);
    const double mean = sample_of(scores).mean;
    if (!std::isfinite(mean)) continue;  // none yet, or a broken model
    const auto by_value = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto [low, high] = std::minmax_element(scores.begin(), scores.end(), by_value);
    series.x.push_back(kept_of(keep));
    series.y.push_back(mean);
    series.low.push_back(low->second);
    series.high.push_back(high->second);
  }
  return series;
}

}  // namespace

std::vector<Figure> method_figures(const MethodComparison& comparison) {
  std::vector<Figure> figures;
  const bool shares = all_are_shares(comparison.keep);
  for (const std::string& text : comparison.texts) {
    Figure figure{
        .id = fmt::format("perplexity-{}", figures.size()),
        .title = "Perplexity on " + text,
        .caption = fmt::format("Observed on {}. Mean over the seeds, whiskers from the least to the "
                               "largest.",
                               comparison.calibrations.front()),
        .x_label = shares ? "percent of the experts kept" : "experts of each layer kept",
        .y_label = "perplexity",
        .y_scale = FigureScale::kLogarithmic};
    for (const std::string& method : comparison.methods) {
      auto series = series_of(comparison, text, method);
      if (!series.x.empty()) figure.series.push_back(std::move(series));
    }
    if (!figure.series.empty()) figures.push_back(std::move(figure));
  }
  return figures;
}

}  // namespace espalier
