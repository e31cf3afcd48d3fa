#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "artifacts/observations.h"
#include "artifacts/plan.h"
#include "prune/grouping.h"
#include "prune/merge_weights.h"
#include "prune/one_shot_rule.h"
#include "prune/similarity.h"

namespace espalier {

/// What is compared, how groups are made of it, and how the experts of a group are added up.
struct MergeRule {
  const Similarity* similarity = nullptr;
  const Grouping* grouping = nullptr;
  const MergeWeighting* weighting = nullptr;
};

/// A published way to merge, as a combination of the three.
struct MergeMethod {
  std::string_view name, definition;
  std::string_view similarity, grouping, weighting;
};

/// The table: `grouping` (arXiv 2407.09590), `m_smoe`, `hc_smoe`.
std::span<const MergeMethod> merge_methods();
/// Throws UserError that names the nearest one.
const MergeMethod& find_merge_method(std::string_view name);

/// Groups the experts of each layer, and merges each group into its most used one. Protected experts stay as
/// they are. With `PlanBudget::kGlobal` the next two experts join in the layer where that adds least to the
/// cost of its grouping, as a part of the cost of one group of all. Router groups are kept: experts merge
/// within one. Each merged expert has a reason, and so has each group whose weights could not be had.
///
/// Throws UserError where the observations lack something, and where the rule cannot be obeyed.
Plan merge_plan(const Observations& observations, const MergeRule& merge, const OneShotRule& rule,
                std::uint64_t seed);

/// Groups whose weights are not by the rule that was asked for, "layer 3: experts 1, 5: never routed ..".
std::vector<std::string> merge_fallbacks(const Plan& plan);

}  // namespace espalier
