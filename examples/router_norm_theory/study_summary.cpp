#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "router_norm_theory/router_norm_study.h"

namespace espalier::examples {
namespace {

/// Experts of one width by kind, as points: number on the x axis, change on the y axis.
FigureSeries experts_of(const StudyResult& result, const StudyOptions& options, Leaning leaning,
                        std::string name) {
  FigureSeries series{std::move(name), FigureMarks::kPoints, {}, {}, {}, {}};
  const auto widest = *std::max_element(options.widths.begin(), options.widths.end());
  for (const NormChanges& changes : result.changes) {
    if (changes.width != widest || changes.seed != options.seed) continue;
    for (std::size_t s = 0; s < changes.change.size(); ++s) {
      if (changes.leaning[s] != leaning) continue;
      series.x.push_back(static_cast<double>(s));
      series.y.push_back(changes.change[s]);
    }
  }
  return series;
}

FigureSeries over_widths(const std::vector<WidthSummary>& widths, std::string name,
                         MeanSpread WidthSummary::*part) {
  FigureSeries series{std::move(name), FigureMarks::kLine, {}, {}, {}, {}};
  for (const WidthSummary& width : widths) {
    const MeanSpread& spread = width.*part;
    series.x.push_back(static_cast<double>(width.width));
    series.y.push_back(spread.mean);
    series.low.push_back(spread.least);
    series.high.push_back(spread.most);
  }
  return series;
}

/// c / sqrt(d) through the first point of the irrelevant experts.
FigureSeries inverse_root(const std::vector<WidthSummary>& widths) {
  FigureSeries series{"1/sqrt(d), through the first point", FigureMarks::kLine, {}, {}, {}, {}};
  const double scale = widths.front().irrelevant.mean * std::sqrt(static_cast<double>(widths.front().width));
  for (const WidthSummary& width : widths) {
    series.x.push_back(static_cast<double>(width.width));
    series.y.push_back(scale / std::sqrt(static_cast<double>(width.width)));
  }
  return series;
}

FigureSeries accuracy_of(const StudyResult& result, const StudyOptions& options, std::string_view order,
                         double PrunedAccuracy::*part, std::string name) {
  FigureSeries series{std::move(name), FigureMarks::kLine, {}, {}, {}, {}};
  for (const std::size_t drop : options.drops) {
    std::vector<double> values;
    for (const PrunedAccuracy& pruned : result.pruned)
      if (pruned.order == order && pruned.dropped == drop) values.push_back(100.0 * pruned.*part);
    const MeanSpread spread = mean_spread(values);
    series.x.push_back(static_cast<double>(drop) / static_cast<double>(options.setting.experts));
    series.y.push_back(spread.mean);
    series.low.push_back(spread.least);
    series.high.push_back(spread.most);
  }
  return series;
}

}  // namespace

MeanSpread mean_spread(const std::vector<double>& values) {
  MeanSpread spread{0.0, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const double value : values) {
    spread.mean += value / static_cast<double>(values.size());
    spread.least = std::min(spread.least, value);
    spread.most = std::max(spread.most, value);
  }
  return spread;
}

std::vector<WidthSummary> summarise(const StudyResult& result) {
  struct Parts {
    std::vector<double> relevant, irrelevant;  // means of a seed
    double least = std::numeric_limits<double>::infinity(), largest = 0.0;
  };
  std::map<std::size_t, Parts> widths;
  for (const NormChanges& changes : result.changes) {
    Parts& parts = widths[changes.width];
    std::vector<double> relevant, irrelevant;
    for (std::size_t s = 0; s < changes.change.size(); ++s)
      (changes.leaning[s] == Leaning::kNothing ? irrelevant : relevant)
          .push_back(std::abs(changes.change[s]));
    parts.relevant.push_back(mean_spread(relevant).mean);
    parts.irrelevant.push_back(mean_spread(irrelevant).mean);
    parts.least = std::min(parts.least, mean_spread(relevant).least);
    parts.largest = std::max(parts.largest, mean_spread(irrelevant).most);
  }
  std::vector<WidthSummary> summary;
  for (const auto& [width, parts] : widths)
    summary.push_back(
        {width, mean_spread(parts.relevant), mean_spread(parts.irrelevant), parts.least, parts.largest});
  return summary;
}

double irrelevant_exponent(const std::vector<WidthSummary>& widths) {
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(widths.size());
  for (const WidthSummary& width : widths) {
    const double log_width = std::log(static_cast<double>(width.width)),
                 log_change = std::log(width.irrelevant.mean);
    x += log_width;
    y += log_change;
    xx += log_width * log_width;
    xy += log_width * log_change;
  }
  return (n * xy - x * y) / (n * xx - x * x);
}

std::vector<PrunedAccuracy> mean_over_seeds(const std::vector<PrunedAccuracy>& pruned) {
  std::map<std::pair<std::string, std::size_t>, std::pair<PrunedAccuracy, double>> sums;
  for (const PrunedAccuracy& one : pruned) {
    auto& [sum, count] = sums[{one.order, one.dropped}];
    sum.order = one.order;
    sum.dropped = one.dropped;
    sum.before += one.before;
    sum.after += one.after;
    ++count;
  }
  std::vector<PrunedAccuracy> means;
  for (const auto& [key, value] : sums) {
    means.push_back(value.first);
    means.back().before /= value.second;
    means.back().after /= value.second;
  }
  return means;
}

std::vector<Figure> study_figures(const StudyOptions& options, const StudyResult& result) {
  const auto widths = summarise(result);
  std::vector<Figure> figures(3);
  figures[0] = {"norm-change",
                "Change of each router row's norm",
                "Each point is an expert, after training, of the largest width and the first seed. Experts "
                "that lean to "
                "o1 or o2 from the start grow; the others stay where they were.",
                "expert",
                "change of the 2-norm",
                FigureScale::kLinear,
                FigureScale::kLinear,
                {experts_of(result, options, Leaning::kFirst, "leans to o1"),
                 experts_of(result, options, Leaning::kSecond, "leans to o2"),
                 experts_of(result, options, Leaning::kNothing, "leans to nothing")}};
  figures[1] = {
      "norm-change-over-width",
      "Change over the number of patterns",
      "Mean of the absolute change; whiskers span the seeds. The bound of the paper for experts that lean to "
      "nothing is O(1/sqrt(d)).",
      "d",
      "mean |change|",
      FigureScale::kLogarithmic,
      FigureScale::kLogarithmic,
      {over_widths(widths, "leans to o1 or o2", &WidthSummary::relevant),
       over_widths(widths, "leans to nothing", &WidthSummary::irrelevant), inverse_root(widths)}};
  figures[2] = {
      "accuracy-over-pruning",
      "Test accuracy over the share of pruned experts",
      fmt::format("d = {}; whiskers span the seeds. {} of the experts lean to o1 or o2.",
                  options.setting.patterns, options.setting.relevant_share),
      "share of the experts that is pruned",
      "percent",
      FigureScale::kLinear,
      FigureScale::kLinear,
      {accuracy_of(result, options, "router_norm_change", &PrunedAccuracy::before, "router_norm_change"),
       accuracy_of(result, options, "router_norm_change", &PrunedAccuracy::after, "and fine-tuned"),
       accuracy_of(result, options, "random", &PrunedAccuracy::before, "random"),
       accuracy_of(result, options, "random", &PrunedAccuracy::after, "random and fine-tuned")}};
  return figures;
}

}  // namespace espalier::examples
