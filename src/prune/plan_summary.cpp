#include "prune/plan_summary.h"

#include <fmt/format.h>

#include <algorithm>

namespace espalier {
namespace {

const LayerScores* scores_of(const Scores* scores, int block) {
  if (scores == nullptr) return nullptr;
  for (const LayerScores& layer : scores->layers) {
    if (layer.layer == block) return &layer;
  }
  return nullptr;
}

void add_bytes(PlanSummary& summary, const LayerPlan& layer, const LayerScores* scores) {
  if (scores == nullptr || !scores->expert_bytes || !summary.bytes_before) {
    summary.bytes_before.reset();
    summary.bytes_after.reset();
    return;
  }
  *summary.bytes_before += *scores->expert_bytes * static_cast<std::uint64_t>(layer.num_experts_before);
  *summary.bytes_after += *scores->expert_bytes * layer.keep.size();
}

}  // namespace

PlanSummary summarise(const Plan& plan, const Scores* scores) {
  PlanSummary summary;
  summary.layers = plan.layers.size();
  summary.bytes_before = summary.bytes_after = 0;
  for (const LayerPlan& layer : plan.layers) {
    const int kept = static_cast<int>(layer.keep.size());
    summary.experts_before += layer.num_experts_before;
    summary.experts_after += kept;
    summary.fewest_kept = summary.fewest_kept == 0 ? kept : std::min(summary.fewest_kept, kept);
    summary.most_kept = std::max(summary.most_kept, kept);
    const LayerScores* layer_scores = scores_of(scores, layer.layer);
    add_bytes(summary, layer, layer_scores);
    if (layer_scores == nullptr) continue;
    for (const int expert : never_routed(*layer_scores)) {
      if (!std::binary_search(layer.keep.begin(), layer.keep.end(), expert)) ++summary.never_routed_dropped;
    }
  }
  return summary;
}

std::string counts_text(const PlanSummary& summary) {
  const std::string each = summary.fewest_kept == summary.most_kept
                               ? fmt::format("{}", summary.most_kept)
                               : fmt::format("{} to {}", summary.fewest_kept, summary.most_kept);
  return fmt::format("{} of {} experts stay, {} in {}", summary.experts_after, summary.experts_before, each,
                     summary.layers == 1 ? "1 layer" : fmt::format("each of {} layers", summary.layers));
}

}  // namespace espalier
