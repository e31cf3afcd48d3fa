#include "report/similarity_maps.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/expert_map.h"
#include "report/html.h"

namespace espalier {
namespace {

/// The pair of different experts that is least, and most alike.
std::pair<double, double> range_of(const SimilarityMap& map) {
  double low = 0, high = 0;
  bool first = true;
  for (std::size_t i = 0; i < map.experts; ++i) {
    for (std::size_t j = 0; j < map.experts; ++j) {
      if (i == j) continue;
      const double value = map.values[i * map.experts + j];
      low = first ? value : std::min(low, value);
      high = first ? value : std::max(high, value);
      first = false;
    }
  }
  return {low, high};
}

std::string map_html(const SimilarityMap& map) {
  const auto [low, high] = range_of(map);
  std::vector<ExpertRow> rows;
  for (std::size_t i = 0; i < map.experts; ++i) {
    ExpertRow& row = rows.emplace_back(ExpertRow{static_cast<int>(i), {}});
    for (std::size_t j = 0; j < map.experts; ++j) {
      const double value = map.values[i * map.experts + j];
      const double tone = i == j ? 1.0 : high > low ? 2 * (value - low) / (high - low) - 1 : 0.0;
      row.experts.push_back(
          {tone, false,
           fmt::format("layer {}, experts {} and {}: {} {:.4g}", map.layer, i, j, map.name, value)});
    }
  }
  return fmt::format(
      "<details><summary>Layer {}: {}, {:.3g} to {:.3g}</summary><p>{}.</p>{}</details>\n", map.layer,
      map.name, low, high, escape_html(std::string(map.definition)),
      expert_map(rows, fmt::format("Likeness of the experts of layer {}, {}", map.layer, map.name)));
}

}  // namespace

std::string similarity_section(std::span<const SimilarityMap> maps) {
  if (maps.empty()) return "";
  std::string html =
      "<p>A row and a column for each expert, coloured from the least to the most alike pair of the "
      "layer.</p>";
  for (const SimilarityMap& map : maps) html += map_html(map);
  return html_section("similarity", "Experts that are alike", html);
}

}  // namespace espalier
