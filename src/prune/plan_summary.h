#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "artifacts/plan.h"
#include "artifacts/scores.h"

namespace espalier {

/// A plan in figures.
struct PlanSummary {
  std::size_t layers = 0;
  std::int64_t experts_before = 0, experts_after = 0;
  int fewest_kept = 0, most_kept = 0;                      ///< of one layer
  std::optional<std::uint64_t> bytes_before, bytes_after;  ///< of experts with their router rows
  std::int64_t never_routed_dropped = 0;                   ///< where scores say so
};

/// `scores`: those the plan was made from, or nullptr.
PlanSummary summarise(const Plan& plan, const Scores* scores);

/// "64 of 128 experts stay, 4 in each of 16 layers", or ".. 2 to 8 in each of 16 layers".
std::string counts_text(const PlanSummary& summary);

}  // namespace espalier
