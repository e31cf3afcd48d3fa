#include "report/similarity_maps.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "report/expert_map.h"
#include "report/html.h"

namespace espalier {
namespace {

constexpr std::size_t kMostPairs = 50'000;  // of a page that a browser opens at once: about a megabyte
constexpr std::size_t kListedPairs = 24;

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

/// The experts before each one: the measures are symmetric.
std::string triangle_html(const SimilarityMap& map, double low, double high) {
  std::vector<ExpertRow> rows;
  for (std::size_t i = 0; i < map.experts; ++i) {
    ExpertRow& row = rows.emplace_back(ExpertRow{static_cast<int>(i), {}});
    for (std::size_t j = 0; j < i; ++j) {
      const double value = map.values[i * map.experts + j];
      const double tone = high > low ? 2 * (value - low) / (high - low) - 1 : 0.0;
      row.experts.push_back({tone, false, cell_number(value), ""});
    }
  }
  return expert_map(rows, fmt::format("Likeness of the experts of layer {}, {}", map.layer, map.name));
}

std::string most_alike_html(const SimilarityMap& map) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < map.experts; ++i)
    for (std::size_t j = 0; j < i; ++j) pairs.emplace_back(j, i);
  const auto value = [&](const auto& pair) { return map.values[pair.second * map.experts + pair.first]; };
  const auto end = pairs.begin() + static_cast<std::ptrdiff_t>(std::min(kListedPairs, pairs.size()));
  std::partial_sort(pairs.begin(), end, pairs.end(), [&](const auto& a, const auto& b) {
    return std::pair(-value(a), a) < std::pair(-value(b), b);
  });
  std::string html =
      "<table class=\"numbers\"><thead><tr><th scope=\"col\">experts</th><th "
      "scope=\"col\">alike</th></tr></thead>"
      "<tbody>";
  for (auto pair = pairs.begin(); pair != end; ++pair)
    html += fmt::format("<tr><td>{}, {}<td>{:.4g}", pair->first, pair->second, value(*pair));
  return html + "</tbody></table>";
}

std::string map_html(const SimilarityMap& map, bool whole) {
  const auto [low, high] = range_of(map);
  return fmt::format("<details><summary>Layer {}: {}, {:.3g} to {:.3g}</summary><p>{}.</p>{}</details>\n",
                     map.layer, map.name, low, high, escape_html(std::string(map.definition)),
                     whole ? triangle_html(map, low, high) : most_alike_html(map));
}

}  // namespace

std::string similarity_section(std::span<const SimilarityMap> maps) {
  if (maps.empty()) return "";
  std::size_t pairs = 0;
  for (const SimilarityMap& map : maps) pairs += map.experts * map.experts / 2;
  const bool whole = pairs <= kMostPairs;
  std::string html = whole
                         ? "<p>A row for each expert, a column for each before it, coloured from the least "
                           "to the most alike "
                           "pair of the layer.</p>"
                         : fmt::format("<p>Of each layer the {} pairs that are most alike, of {} in all.</p>",
                                       kListedPairs, pairs);
  for (const SimilarityMap& map : maps) html += map_html(map, whole);
  return html_section("similarity", "Experts that are alike", html);
}

}  // namespace espalier
