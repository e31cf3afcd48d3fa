#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// What becomes of the tokens that a router would have sent to a dropped expert.
enum class PlanRouter {
  kReroute,    ///< the dropped experts' rows leave the router: softmax and top-k run over the survivors
  kZeroOutput  ///< the router keeps all rows; a dropped expert gives zero, gates are not renormalised
};

/// "reroute", "zero_output".
std::string_view plan_router_name(PlanRouter router);

/// Where a plan comes from. A record: nothing is decided by it.
struct PlanProvenance {
  std::string criterion;  ///< "alpha", "reap"
  std::string schedule;   ///< "one_shot", "eager", "staged"
  std::uint64_t seed = 0;
  std::optional<std::string> topology_sha256;  ///< of the model the plan was made for
  std::optional<std::int64_t> window;          ///< pruning in training: the window that ended, 1-based
  std::optional<std::int64_t> step;            ///< ... and its last optimizer step
};

/// A survivor whose weights (and router row) become a weighted sum of those before.
struct ExpertMerge {
  int into = 0;                 ///< a kept expert
  std::vector<int> from;        ///< `into` itself and dropped experts; each expert is in one merge at most
  std::vector<double> weights;  ///< one for each of `from`; any finite number
  /// Empty, or one for each of `from`: which of its F hidden neurons takes each place in the sum; an empty
  /// list leaves them as they are. A permutation of 0 .. F-1.
  std::vector<std::vector<int>> neurons = {};
};

/// What becomes of one MoE layer. Experts bear the numbers they have in the model that the plan applies to.
struct LayerPlan {
  int layer = 0;  ///< 0-based block
  int num_experts_before = 0;
  std::vector<int> keep;  ///< ascending, at least one; the i-th becomes expert i
  std::vector<ExpertMerge> merge;
  /// Dropped expert -> [D] the constant that its router row gives from now on (MoNE, 2025); with the router
  /// zero_output. The others give zero.
  std::map<int, std::vector<float>> novices = {};
  std::map<int, std::string> reason;  ///< expert -> why it goes (or stays), for people
  /// [num_experts_before] the experts' numbers at the start of the run; empty: those they have.
  std::vector<int> original;
};

/// `plan-NNN.json`: which experts of a model stay. Decided before anything changes.
struct Plan {
  PlanProvenance provenance;
  PlanRouter router = PlanRouter::kReroute;
  int experts_per_token = 1;      ///< K of the model afterwards; a layer with one survivor needs no router
  std::vector<LayerPlan> layers;  ///< ascending; layers that are not listed stay as they are
};

/// Checks what the type does not: ascending and distinct numbers in range, a survivor in every layer, merges
/// into survivors, K. A UserError begins with `where`.
void validate(const Plan& plan, std::string_view where);

bool drops_anything(const Plan& plan);

/// Numbers at the start of the run of a layer's survivors, in the order of `keep`: the `original` of the
/// model afterwards.
std::vector<int> surviving_originals(const LayerPlan& layer);

std::string plan_to_json(const Plan& plan);
/// Strict: unknown keys and wrong values are a UserError that begins with `where`. Valid.
Plan plan_from_json(std::string_view json, std::string_view where);

/// Atomic.
void write_plan(const std::filesystem::path& file, const Plan& plan);
Plan read_plan(const std::filesystem::path& file);

}  // namespace espalier
