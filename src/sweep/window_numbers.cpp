#include "sweep/window_numbers.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace espalier {
namespace {

constexpr double kUsualBeta = 0.1;  // that of `finetune`

double beta_of(const RunCell& cell) {
  const auto found = cell.options.find("beta");
  return found == cell.options.end() ? kUsualBeta : std::stod(found->second);
}

/// The expert with the largest score, the smaller number of equals.
int best_of(const CellLayer& layer) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < layer.scores.size(); ++i)
    if (layer.scores[i] > layer.scores[best]) best = i;
  return layer.experts[best];
}

/// What the last window of a layer left.
const std::vector<int>* left_at_the_end(const RunCell& cell, int layer) {
  for (auto window = cell.windows.rbegin(); window != cell.windows.rend(); ++window)
    for (const auto& one : window->layers)
      if (one.layer == layer) return &one.kept;
  return nullptr;
}

}  // namespace

double survivors_at_half_time(const RunCell& cell) {
  const CellWindow* last = nullptr;
  for (const auto& window : cell.windows)
    if (2 * window.last_step <= cell.steps) last = &window;
  if (last == nullptr || last->layers.empty()) return std::nan("");
  double left = 0;
  for (const auto& layer : last->layers) {
    const double threshold = beta_of(cell) / static_cast<double>(layer.experts.size());
    const auto over = std::ranges::count_if(layer.scores, [&](double score) { return score >= threshold; });
    left += static_cast<double>(std::max<std::ptrdiff_t>(over, 1));
  }
  return left / static_cast<double>(last->layers.size());
}

FirstWinners first_winners(std::span<const RunCell> cells) {
  FirstWinners winners;
  for (const auto& cell : cells) {
    if (cell.windows.empty()) continue;
    for (const auto& layer : cell.windows.front().layers) {
      const auto* left = left_at_the_end(cell, layer.layer);
      if (left == nullptr || left->size() != 1 || layer.experts.empty()) continue;
      ++winners.layers;
      winners.stayed += best_of(layer) == left->front();
    }
  }
  return winners;
}

}  // namespace espalier
