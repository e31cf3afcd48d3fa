#include "prune/merge_counts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "prune/keep_sizes.h"

namespace espalier {
namespace {

std::int64_t target_of(std::span<const MergeCosts> layers, const KeepTarget& keep) {
  std::int64_t all = 0;
  for (const MergeCosts& layer : layers) all += layer.most;
  if (const auto* count = std::get_if<KeepCount>(&keep))
    return std::min(all, count->count * static_cast<std::int64_t>(layers.size()));
  if (const auto* part = std::get_if<KeepFraction>(&keep)) return part_of(part->fraction, all);
  throw UserError("--keep-bytes, --target-size: are for drops",
                  "merge to a number or a part: --keep 4, --keep 0.5");
}

}  // namespace

std::vector<int> global_group_counts(std::span<const MergeCosts> layers, const KeepTarget& keep) {
  const std::int64_t target = target_of(layers, keep);
  std::vector<int> counts;
  std::int64_t left = 0;
  for (const MergeCosts& layer : layers) {
    counts.push_back(layer.most);
    left += layer.most;
  }
  for (; left > target; --left) {
    std::size_t best = layers.size();
    double smallest = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (counts[i] == layers[i].least) continue;
      const auto z = static_cast<std::size_t>(counts[i]);
      const double growth = layers[i].cost[z - 1] - layers[i].cost[z];
      if (best == layers.size() || growth < smallest) {
        best = i;
        smallest = growth;
      }
    }
    if (best == layers.size())
      throw UserError(fmt::format("--keep: {} experts in all are to stay, the layers need {}", target, left),
                      "keep more, or lower --experts-per-token");
    --counts[best];
  }
  return counts;
}

}  // namespace espalier
