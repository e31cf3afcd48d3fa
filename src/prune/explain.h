#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/plan.h"
#include "artifacts/scores.h"
#include "prune/plan_summary.h"

namespace espalier {

enum class ExpertFate { kKept, kDropped, kMerged };
/// "kept", "dropped", "merged".
std::string_view fate_name(ExpertFate fate);

/// What a plan does with one expert.
struct ExplainedExpert {
  int expert = 0;
  int original = 0;  ///< its number at the start of the run
  ExpertFate fate = ExpertFate::kKept;
  std::optional<double> score;         ///< NaN: never routed; absent without scores
  std::optional<std::int64_t> tokens;  ///< (token, slot) pairs routed to it, where counted
  std::string reason;                  ///< the plan's words; may be empty
  std::optional<int> into;             ///< the expert it is merged into: itself where others come to it
  std::optional<double> weight;        ///< with which it is added there
};

struct ExplainedLayer {
  int layer = 0;  ///< 0-based block
  int kept = 0;
  std::vector<ExplainedExpert> experts;
  std::vector<ExpertMerge> groups;  ///< that become one expert each
};

/// A plan with what is known of each expert: one view of it for people, one for programs, one for browsers.
struct Explanation {
  Plan plan;
  PlanSummary summary;
  std::vector<ExplainedLayer> layers;
};

/// `scores`: those the plan was made from, or nullptr. Throws UserError where the scores are not of the
/// plan's model.
Explanation explain(const Plan& plan, const Scores* scores);

/// A line for each layer, then a table of its experts; with totals.
std::string to_text(const Explanation& explanation);
/// "format": "espalier.explanation/1".
nlohmann::ordered_json to_json(const Explanation& explanation);
/// One self-contained page.
std::string to_html(const Explanation& explanation, const std::string& title);

}  // namespace espalier
