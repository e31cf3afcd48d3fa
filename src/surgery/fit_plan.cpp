#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "arch/described_model.h"
#include "arch/neuron_axis.h"
#include "arch/tensor_names.h"
#include "base/error.h"
#include "formats/weight_format.h"
#include "surgery/next_token.h"
#include "surgery/surgery.h"
#include "surgery/token_experts.h"

namespace espalier {
namespace {

/// The layers of a plan against those of a model.
class Fitting {
 public:
  Fitting(const Plan& plan, std::string_view where, const Checkpoint& checkpoint, const Topology& topology,
          const SurgeryOptions& options)
      : plan_(plan), where_(where), checkpoint_(checkpoint) {
    result_.topology = topology;
    result_.options = options;
    result_.router = plan.router;
    result_.experts_per_token = plan.experts_per_token;
  }

  Surgery run() {
    for (const LayerPlan& layer : plan_.layers) expect_layer(layer);
    expect_topology();
    expect_router();
    if (options().groups == RouterGroups::kReset) result_.topology.groups = result_.topology.top_groups = 1;
    for (const MoeLayerTensors& layer : result_.topology.layers) {
      result_.layers.push_back(fitted(layer));
      expect_removable(layer, result_.layers.back());
    }
    if (!result_.zero_fills()) expect_one_count();
    fit_next_token_layers();
    for (std::size_t i = 0; i < result_.layers.size(); ++i) expect_enough(i);
    result_.notes = loading_notes(result_, checkpoint_);
    return std::move(result_);
  }

 private:
  const SurgeryOptions& options() const { return result_.options; }
  const arch::Capabilities& can() const { return result_.can(); }

  [[noreturn]] void fail(const std::string& message, std::string hint) const {
    throw UserError(fmt::format("{}: {}", where_, message), std::move(hint));
  }

  const LayerPlan* planned(std::int64_t layer) const {
    for (const LayerPlan& candidate : plan_.layers) {
      if (candidate.layer == layer) return &candidate;
    }
    return nullptr;
  }

  void expect_layer(const LayerPlan& layer) const {
    constexpr const char* kHint = "a plan speaks of the model it was made for, in the numbers it has there";
    const MoeLayerTensors* found = result_.topology.find(layer.layer);
    if (found == nullptr)
      fail(fmt::format("layer {} has no experts in {}", layer.layer, checkpoint_.folder().string()), kHint);
    if (found->num_experts != layer.num_experts_before)
      fail(fmt::format("layer {}: the plan is for {} experts, {} has {}", layer.layer,
                       layer.num_experts_before, checkpoint_.folder().string(), found->num_experts),
           kHint);
  }

  void expect_topology() const {
    const auto& sha256 = plan_.provenance.topology_sha256;
    if (!sha256 || *sha256 == result_.topology.sha256) return;
    fail(fmt::format("the plan was made for another model (topology {:.12}.., that of {} is {:.12}..)",
                     *sha256, checkpoint_.folder().string(), result_.topology.sha256),
         "make the plan from scores of this model");
  }

  void expect_router() const {
    if (can().keeps_router_rows) return expect_router_of_rows();
    for (const LayerPlan& layer : plan_.layers) {
      if (!layer.novices.empty())
        fail(fmt::format("layer {}: {} checkpoints have no place for the constant output of an expert that "
                         "is gone",
                         layer.layer, result_.topology.model_type),
             "plan with --action drop or merge");
    }
    if (plan_.router == PlanRouter::kReroute) {
      if (options().zero_output == ZeroOutput::kZeroFill)
        fail("--zero-fill is for plans with the router zero_output, this one says reroute",
             "leave the option out");
      return;
    }
    if (options().zero_output == ZeroOutput::kZeroFill) return;
    fail("the router zero_output keeps rows of experts that are gone, which no stock format can say",
         "plan with --router reroute; or pass --zero-fill to keep the count and write zeros, which saves "
         "nothing");
  }

  void expect_router_of_rows() const {
    if (options().zero_output == ZeroOutput::kZeroFill)
      fail("--zero-fill: this format holds router rows without experts", "leave the option out");
    for (const MoeLayerTensors& layer : result_.topology.layers) {
      if (plan_.router == PlanRouter::kReroute && rows_of(layer) != layer.num_experts)
        fail(fmt::format("layer {}: the router has {} rows for {} experts: an earlier plan kept them",
                         layer.layer, rows_of(layer), layer.num_experts),
             "plan with --router zero_output");
    }
    for (const LayerPlan& layer : plan_.layers) {
      if (plan_.router == PlanRouter::kZeroOutput && !layer.merge.empty())
        fail(fmt::format("layer {}: merged experts need one router row, and zero_output keeps all",
                         layer.layer),
             "plan with --router reroute");
      expect_width_of_novices(layer);
    }
  }

  void expect_width_of_novices(const LayerPlan& layer) const {
    if (layer.novices.empty()) return;
    const std::int64_t width = checkpoint_.tensor(result_.topology.find(layer.layer)->router).shape[1];
    const auto found = layer.novices.begin()->second.size();
    if (static_cast<std::int64_t>(found) == width) return;
    fail(fmt::format("layer {}: novices of {} numbers, the model's width is {}", layer.layer, found, width),
         "a plan speaks of the model it was made for");
  }

  std::int64_t rows_of(const MoeLayerTensors& layer) const {
    return checkpoint_.tensor(layer.router).shape[0];
  }

  LayerSurgery fitted(const MoeLayerTensors& layer) const {
    LayerSurgery result;
    const LayerPlan* plan = planned(layer.layer);
    if (plan != nullptr) {
      result = {plan->keep, plan->merge, plan->novices};
      if (!plan->merge.empty()) expect_sums(layer);
      for (const ExpertMerge& merge : plan->merge) {
        expect_one_group(layer, merge);
        for (const int expert : merge.from) expect_stored_alike(layer, merge.into, expert);
        if (!merge.neurons.empty()) expect_neurons(layer, merge);
      }
      return result;
    }
    for (int expert = 0; expert < layer.num_experts; ++expert) result.keep.push_back(expert);
    return result;
  }

  void expect_removable(const MoeLayerTensors& layer, const LayerSurgery& surgery) const {
    if (static_cast<std::int64_t>(surgery.keep.size()) == layer.num_experts || result_.zero_fills()) return;
    if (!can().keeps_all_experts.empty())
      fail(fmt::format("layer {}: experts of {} cannot be removed: {}", layer.layer,
                       result_.topology.model_type, can().keeps_all_experts),
           "plan with the router zero_output and apply with --zero-fill, which keeps the count");
    if (!layer.token_experts.empty()) expect_unnamed(checkpoint_, layer, surgery.keep, where_);
  }

  /// Merging needs arithmetic: a weight that can be decoded, and stored again without what its companions
  /// say of activations.
  void expect_sum(const MoeLayerTensors& layer, const std::string& tensor_name, std::int64_t stacked) const {
    const TensorView tensor = checkpoint_.tensor(tensor_name);
    const formats::Place place = formats::place_of(checkpoint_.weights(), tensor);
    if (place.part > 0) return;  // with its weight
    const formats::WeightFormat& format = *place.format;
    if (format.can_encode != nullptr) {
      const formats::Weight weight = checkpoint_.weight(place.weight);
      const bool whole = weight.rows % stacked != 0;  // a number for each expert
      if (format.can_encode(whole ? weight : weight.slice(0, weight.rows / stacked)))
        return expect_encoded_parts(layer, weight, place.weight);
    }
    fail(fmt::format(
             "layer {}: the plan merges experts, but tensor {} is {}, stored as {}: only F32, BF16, F16, "
             "FP8 with scales beside it, MXFP4, and packed integers without zero points or an order of "
             "inputs can be added up",
             layer.layer, tensor_name, name(tensor.dtype), format.name),
         "plan with --action drop, or merge a checkpoint in BF16");
  }

  void expect_encoded_parts(const MoeLayerTensors& layer, const formats::Weight& weight,
                            const std::string& weight_name) const {
    for (std::size_t part = 0; part < weight.parts.size(); ++part) {
      if (!weight.parts[part].there || weight.rows == 0) continue;
      if (weight.format->bytes_of_rows(weight, part, 0, weight.rows).size > 0) continue;
      fail(fmt::format("layer {}: the plan merges experts, but tensor {} scales activations, which a sum of "
                       "experts does not keep",
                       layer.layer, formats::part_name(*weight.format, part, weight_name)),
           "plan with --action drop, or merge a checkpoint in BF16");
    }
  }

  /// A sum has one format: experts that a quantiser left as they were do not go with the others.
  void expect_stored_alike(const MoeLayerTensors& layer, int into, int expert) const {
    if (layer.expert_tensors.empty()) return;
    const auto& tensors = layer.expert_tensors[static_cast<std::size_t>(into)];
    const auto& others = layer.expert_tensors[static_cast<std::size_t>(expert)];
    const auto alike = [&](const std::string& a, const std::string& b) {
      const TensorView first = checkpoint_.tensor(a), second = checkpoint_.tensor(b);
      return first.dtype == second.dtype &&
             std::equal(first.shape.begin(), first.shape.end(), second.shape.begin(), second.shape.end());
    };
    if (std::equal(tensors.begin(), tensors.end(), others.begin(), others.end(), alike)) return;
    fail(fmt::format("layer {}: expert {} is merged into expert {}, but their tensors are not stored alike",
                     layer.layer, expert, into),
         "merge experts of one format; or plan with --action drop");
  }

  void expect_sums(const MoeLayerTensors& layer) const {
    for (const std::string& tensor : layer.router_tensors) expect_sum(layer, tensor, 1);
    expect_router_of_rows_of_experts(layer);
    for (const std::string& tensor : layer.stacked_tensors) expect_sum(layer, tensor, layer.num_experts);
    for (const auto& tensors : layer.expert_tensors) {
      for (const std::string& tensor : tensors) expect_sum(layer, tensor, 1);
    }
  }

  void expect_router_of_rows_of_experts(const MoeLayerTensors& layer) const {
    const auto& names = arch::names_of(result_.topology.model_type);
    for (const std::string& tensor : layer.router_tensors)
      if (names.parse(tensor)->axis > 0 && checkpoint_.tensor(tensor).shape[0] > 1)
        fail(fmt::format("layer {}: the plan merges experts, but tensor {} has them on its second axis",
                         layer.layer, tensor),
             "plan with --action drop");
  }

  /// A group-limited router sees its experts in contiguous groups: a merged one can be in one only.
  void expect_one_group(const MoeLayerTensors& layer, const ExpertMerge& merge) const {
    const std::int64_t groups = result_.topology.groups, size = layer.num_experts / groups;
    for (const int expert : merge.from) {
      if (expert / size == merge.into / size) continue;
      fail(fmt::format("layer {}: expert {} of router group {} is merged into expert {} of group {}",
                       layer.layer, expert, expert / size, merge.into, merge.into / size),
           "merge within router groups; or pass --reset-groups for one group, which changes routing");
    }
  }

  /// Orders of neurons need experts that are stored one by one, in tensors whose axes are known.
  void expect_neurons(const MoeLayerTensors& layer, const ExpertMerge& merge) const {
    constexpr const char* kHint = "plan without the orders of neurons (espalier align)";
    if (!layer.stacked_tensors.empty())
      fail(fmt::format("layer {}: the plan orders neurons, but experts are stored stacked ({})", layer.layer,
                       layer.stacked_tensors.front()),
           kHint);
    std::size_t neurons = 0;
    for (const auto& order : merge.neurons) neurons = std::max(neurons, order.size());
    for (const std::string& name : layer.expert_tensors[static_cast<std::size_t>(merge.into)]) {
      if (formats::place_of(checkpoint_.weights(), checkpoint_.tensor(name)).part > 0) continue;
      const NeuronAxis axis = neuron_axis(result_.topology.model_type, name);
      const auto main = formats::find_main(checkpoint_.weights(), name);
      const auto shape = main && main->shape ? *main->shape : formats::Shape{0};
      if (axis == NeuronAxis::kUnknown)
        fail(fmt::format("layer {}: the plan orders neurons, and it is not known where tensor {} has them",
                         layer.layer, name),
             kHint);
      if (axis == NeuronAxis::kNone || neurons == 0) continue;
      const auto found = static_cast<std::size_t>(axis == NeuronAxis::kRows ? shape.front() : shape.back());
      if (found != neurons)
        fail(fmt::format("layer {}: the plan orders {} neurons, tensor {} has {}", layer.layer, neurons, name,
                         found),
             "a plan speaks of the model it was made for");
    }
  }

  void expect_one_count() const {
    if (can().count_may_be_list || options().unequal == UnequalCounts::kAsList) return;
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < result_.layers.size(); ++i) {
      if (result_.topology.layers[i].kind == MoeLayerKind::kNextToken) continue;
      if (!first) first = i;
      if (result_.layers[i].keep.size() == result_.layers[*first].keep.size()) continue;
      fail(fmt::format(
               "layer {} keeps {} experts and layer {} keeps {}, but config.json has one count for all "
               "layers",
               result_.topology.layers[*first].layer, result_.layers[*first].keep.size(),
               result_.topology.layers[i].layer, result_.layers[i].keep.size()),
           "keep the same number in every layer; or pass --allow-unequal to write a list, which stock "
           "programs "
           "do not read");
    }
  }

  void fit_next_token_layers() {
    if (result_.zero_fills()) return;
    std::set<std::size_t> counts;
    for (std::size_t i = 0; i < result_.layers.size(); ++i) {
      if (result_.topology.layers[i].kind == MoeLayerKind::kBlock)
        counts.insert(result_.layers[i].keep.size());
    }
    for (std::size_t i = 0; i < result_.layers.size(); ++i) {
      const MoeLayerTensors& layer = result_.topology.layers[i];
      if (layer.kind == MoeLayerKind::kBlock) continue;
      if (result_.drops(layer)) {
        result_.layers[i] = {};
        continue;
      }
      if (counts.size() != 1)
        fail(fmt::format("layers keep different numbers of experts, and the multi-token-prediction layer {} "
                         "has no count of its own",
                         layer.layer),
             "pass --drop-mtp to leave it out");
      fit_next_token_layer(i, *counts.begin());
    }
  }

  void fit_next_token_layer(std::size_t i, std::size_t count) {
    const MoeLayerTensors& layer = result_.topology.layers[i];
    if (planned(layer.layer) == nullptr) {
      if (static_cast<std::int64_t>(count) == layer.num_experts) return;
      result_.layers[i].keep = best_by_router_norm(checkpoint_, layer, count, result_.topology.groups);
      return;
    }
    if (result_.layers[i].keep.size() == count) return;
    fail(fmt::format(
             "the multi-token-prediction layer {} keeps {} experts, the others {}: they share one count",
             layer.layer, result_.layers[i].keep.size(), count),
         "keep as many there in the plan, or pass --drop-mtp to leave it out");
  }

  void expect_enough(std::size_t i) const {
    const MoeLayerTensors& layer = result_.topology.layers[i];
    if (result_.drops(layer)) return;
    if (!result_.zero_fills()) expect_groups(layer, result_.layers[i].keep);
    const std::int64_t count = result_.keeps_rows() ? rows_of(layer) : result_.experts_after(i);
    if (can().lone_expert_is_dense && count == 1) return;  // becomes a plain FFN
    const std::int64_t reachable = count / result_.topology.groups * result_.topology.top_groups;
    if (result_.experts_per_token <= reachable) return;
    fail(fmt::format(
             "layer {} has {} experts afterwards, of which a token can reach {}, but experts_per_token "
             "is {}",
             layer.layer, count, reachable, result_.experts_per_token),
         "keep more experts, or plan with a smaller --experts-per-token");
  }

  void expect_groups(const MoeLayerTensors& layer, const std::vector<int>& keep) const {
    const std::int64_t groups = result_.topology.groups;
    if (groups == 1) return;
    std::vector<std::int64_t> kept(static_cast<std::size_t>(groups));
    for (const int expert : keep) ++kept[static_cast<std::size_t>(expert / (layer.num_experts / groups))];
    if (std::all_of(kept.begin(), kept.end(), [&](auto count) { return count == kept[0]; })) return;
    fail(
        fmt::format("layer {}: the router has {} groups of {} experts, which would keep {}: groups must stay "
                    "of one size",
                    layer.layer, groups, layer.num_experts / groups, fmt::join(kept, ", ")),
        "plan with equal drops in each group; or pass --reset-groups for one group, which changes routing");
  }

  const Plan& plan_;
  const std::string_view where_;
  const Checkpoint& checkpoint_;
  Surgery result_;
};

/// K of a family whose config.json has no field for it.
void expect_writable_k(const Plan& plan, std::string_view where, const Topology& topology) {
  if (!arch::family_named(topology.model_type).config.experts_per_token.empty() ||
      plan.experts_per_token == 1)
    return;
  throw UserError(fmt::format("{}: experts_per_token: found {}, but this architecture always takes 1", where,
                              plan.experts_per_token),
                  "plan without --experts-per-token");
}

}  // namespace

std::int64_t Surgery::experts_after(std::size_t layer) const {
  return zero_fills() ? topology.layers[layer].num_experts
                      : static_cast<std::int64_t>(layers[layer].keep.size());
}

Surgery fit_plan(const Plan& plan, std::string_view where, const Checkpoint& checkpoint,
                 const Topology& topology, const SurgeryOptions& options) {
  validate(plan, where);
  if (topology.layers.empty())
    throw UserError(fmt::format("{}: has no experts", checkpoint.folder().string()),
                    "name a checkpoint with experts: `espalier inspect` shows what it has");
  expect_writable_k(plan, where, topology);
  return Fitting(plan, where, checkpoint, topology, options).run();
}

Surgery fit_plan(const Plan& plan, std::string_view where, const Checkpoint& checkpoint,
                 const SurgeryOptions& options) {
  return fit_plan(plan, where, checkpoint, arch::describe(checkpoint).topology, options);
}

}  // namespace espalier
