#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "arch/family.h"
#include "arch/topology.h"
#include "artifacts/plan.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

/// Layers that keep different numbers of experts, in a format whose config.json has one count for all.
enum class UnequalCounts {
  kRefuse,
  kAsList  ///< the count becomes a list with an entry for each block, which stock programs do not read
};

/// The groups of a group-limited router.
enum class RouterGroups {
  kKeep,  ///< each keeps the same number of experts
  kReset  ///< one group (n_group = topk_group = 1): any experts may stay, and routing changes
};

/// What a plan with the router `zero_output` becomes: no stock format has a router row without an expert.
enum class ZeroOutput {
  kRefuse,
  kZeroFill  ///< the count stays, dropped experts are written as zeros: nothing is saved
};

/// Multi-token-prediction layers, which no plan from observations speaks of.
enum class NextTokenLayers {
  kByRouterNorm,  ///< keep the experts whose router rows have the largest 2-norm
  kDrop           ///< the layers go
};

struct SurgeryOptions {
  UnequalCounts unequal = UnequalCounts::kRefuse;
  RouterGroups groups = RouterGroups::kKeep;
  ZeroOutput zero_output = ZeroOutput::kRefuse;
  NextTokenLayers next_token = NextTokenLayers::kByRouterNorm;

  bool operator==(const SurgeryOptions&) const = default;
};

/// What becomes of one MoE layer.
struct LayerSurgery {
  std::vector<int> keep;  ///< ascending; the i-th becomes expert i
  std::vector<ExpertMerge> merge;
  std::map<int, std::vector<float>> novices = {};  ///< as in the plan
};

/// A plan as it applies to one checkpoint, everything decided.
struct Surgery {
  Topology topology;                 ///< of the checkpoint
  std::vector<LayerSurgery> layers;  ///< one for each of topology.layers; those of a dropped one are empty
  SurgeryOptions options;
  PlanRouter router = PlanRouter::kReroute;
  std::int64_t experts_per_token = 1;
  std::vector<std::string> notes;  ///< what to know of the result, a line each; who could not load it

  /// What the checkpoint's family can express.
  const arch::Capabilities& can() const { return arch::family_named(topology.model_type).can; }
  bool drops(const MoeLayerTensors& layer) const {
    return layer.kind == MoeLayerKind::kNextToken && options.next_token == NextTokenLayers::kDrop;
  }
  /// The experts go and their router rows stay, where the format can say so: tokens that are sent there get
  /// zero.
  bool keeps_rows() const { return router == PlanRouter::kZeroOutput && can().keeps_router_rows; }
  /// Dropped experts stay as zeros: router, numbers and counts are those before.
  bool zero_fills() const { return router == PlanRouter::kZeroOutput && !keeps_rows(); }
  /// Experts of the layer afterwards, zeros included.
  std::int64_t experts_after(std::size_t layer) const;
};

/// Fits a plan to a checkpoint, from the headers (and the router weights of next-token layers). `where` opens
/// messages about the plan. Throws UserError when the plan is of another model, keeps fewer experts than the
/// router chooses from, breaks groups, merges what is quantised, or needs one of `options` to be given.
Surgery fit_plan(const Plan& plan, std::string_view where, const Checkpoint& checkpoint,
                 const Topology& topology, const SurgeryOptions& options);

/// `fit_plan` for a checkpoint of any known family.
Surgery fit_plan(const Plan& plan, std::string_view where, const Checkpoint& checkpoint,
                 const SurgeryOptions& options);

/// Who could not load the result, or loads it with a loss: lines for people. `checkpoint`: before.
std::vector<std::string> loading_notes(const Surgery& surgery, const Checkpoint& checkpoint);

}  // namespace espalier
