#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "arch/misfits.h"
#include "arch/tensor_names.h"
#include "arch/topology.h"
#include "base/error.h"
#include "formats/weight_format.h"

namespace espalier {
namespace {

using arch::MoeName;
using arch::MoePart;

using Roles = std::map<std::string, std::string>;  // role -> tensor

/// The tensors of one MoE layer as they are found.
struct FoundLayer {
  std::vector<std::string> router, stacked;
  std::string token_experts;
  std::map<std::int64_t, Roles> experts;
};

class Finder {
 public:
  Finder(const Checkpoint& checkpoint, const arch::ModelSpec& spec)
      : checkpoint_(checkpoint),
        spec_(spec),
        names_(arch::names_of(spec.family)),
        experts_field_(arch::family_named(spec.family).config.experts) {
    result_.model_type = spec.family;
    result_.blocks = spec.layers();
    describe_routing();
  }

  Topology run() {
    for (const std::string_view name : checkpoint_.names()) sort_in(name);
    for (std::int64_t block = 0; block < spec_.layers(); ++block) {
      if (experts_in(block) > 0) add_layer(block, MoeLayerKind::kBlock);
    }
    for (const std::int64_t block : next_token_) {
      if (found_.contains(block)) add_layer(block, MoeLayerKind::kNextToken);
    }
    misfits_.fail_if_any(checkpoint_.folder());
    if (!result_.layers.empty())
      result_.other_experts_parameters *= result_.layers.front().num_experts - result_.experts_per_token;
    result_.next_token_blocks.assign(next_token_.begin(), next_token_.end());
    result_.sha256 = topology_sha256(result_, checkpoint_);
    return std::move(result_);
  }

 private:
  void describe_routing() {
    for (const arch::BlockSpec& block : spec_.blocks) {
      if (block.moe() == nullptr) continue;
      const arch::Router& router = block.moe()->router;
      // Of experts that choose, one may be left in a layer whatever K is.
      const bool tokens = router.chooser == arch::WhoChooses::kTokens;
      result_.experts_per_token = tokens ? router.rule.experts_per_token : 1;
      result_.groups = spec_.members > 1 ? spec_.members : router.rule.groups;
      result_.top_groups = router.rule.top_groups;
      return;
    }
  }

  const arch::MixtureOfExperts* moe_in(std::int64_t block) const {
    return block < spec_.layers() ? spec_.blocks[static_cast<std::size_t>(block)].moe() : nullptr;
  }
  std::int64_t experts_in(std::int64_t block) const {
    if (block >= spec_.layers()) return spec_.next_token.experts;
    return spec_.blocks[static_cast<std::size_t>(block)].experts();
  }

  std::int64_t parameters_of(std::string_view name) const {
    return formats::parameters(checkpoint_.weights(), checkpoint_.tensor(name));
  }

  void sort_in(std::string_view name) {
    const auto block = names_.block(name);
    const bool in_module = names_.is_of_next_token_module(name);
    if (in_module) result_.next_token_parameters += parameters_of(name);
    if (!block) return;
    const std::int64_t number = arch::number_of(*block, spec_.encoder_blocks, spec_.layers());
    if (number >= spec_.layers()) {
      if (is_beyond_all(*block, spec_)) {
        misfits_.add("tensor {} is of block {}, config.json has {} blocks", name, number, spec_.layers());
        return;
      }
      next_token_.insert(number);
      if (!in_module) result_.next_token_parameters += parameters_of(name);
    }
    if (const auto parsed = names_.parse(name)) sort_in(name, *parsed, number);
  }

  void sort_in(std::string_view name, const MoeName& parsed, std::int64_t number) {
    if (experts_in(number) == 0) {
      misfits_.add("tensor {} is of a MoE layer, in config.json block {} is dense", name, number);
      return;
    }
    if (parsed.part == MoePart::kOtherExperts) {
      result_.other_experts_parameters += parameters_of(name) / experts_in(number);
      return;
    }
    FoundLayer& layer = found_[number];
    if (parsed.part == MoePart::kRouter) layer.router.emplace_back(name);
    if (parsed.part == MoePart::kStacked) layer.stacked.emplace_back(name);
    if (parsed.part == MoePart::kTokenExperts) layer.token_experts = name;
    if (parsed.part == MoePart::kExpert) layer.experts[parsed.expert].emplace(std::string(parsed.role), name);
  }

  void add_layer(std::int64_t block, MoeLayerKind kind) {
    FoundLayer& found = found_[block];
    MoeLayerTensors layer{block, experts_in(block), kind};
    if (const auto* moe = moe_in(block)) layer.router_rows = moe->router.expert_rows;
    if (const auto* moe = arch::first_moe(spec_)) layer.extra_router_rows = moe->router.extra_rows;
    layer.token_experts = std::move(found.token_experts);
    for (const auto* row : names_.rows(arch::Role::kNovices, arch::Part::kBias, arch::Stack::kOnly))
      layer.novices = names_.name(*row, block, 0);
    add_router(found, layer);
    add_experts(found, layer);
    for (const std::string& name : found.stacked) {
      expect_axis(name, layer.num_experts);
      layer.parameters_per_expert += parameters_of(name) / layer.num_experts;
    }
    layer.stacked_tensors = std::move(found.stacked);
    if (layer.expert_tensors.empty() && layer.stacked_tensors.empty())
      misfits_.add("block {} should have {} experts ({}), but no tensor of theirs is there", block,
                   layer.num_experts, experts_field_);
    result_.layers.push_back(std::move(layer));
  }

  /// `fewer`: what it may have instead, of experts alone.
  void expect_axis(const std::string& name, std::int64_t experts, std::int64_t fewer = 0) {
    const auto shape = checkpoint_.tensor(name).shape;
    const auto parsed = names_.parse(name);
    const std::size_t axis = parsed->axis;
    const auto fits = [&](std::int64_t size) {
      return size == experts || size == fewer || (parsed->flat && size % experts == 0);
    };
    if (axis < shape.size() && fits(shape[axis])) return;
    misfits_.add("tensor {} is [{}], expected {} experts on its {} axis ({})", name, fmt::join(shape, ", "),
                 experts, axis == 0 ? "first" : "second", experts_field_);
  }

  void add_router(FoundLayer& found, MoeLayerTensors& layer) {
    const auto* moe = moe_in(layer.layer);
    const std::int64_t rows = moe ? moe->router.rows : layer.num_experts + layer.extra_router_rows;
    for (const std::string& name : found.router) {
      expect_axis(name, rows, rows - layer.extra_router_rows);
      const TensorView tensor = checkpoint_.tensor(name);
      layer.router_parameters_per_expert += tensor.elements() / rows;
      if (tensor.shape.size() == 2 && name.ends_with(".weight")) layer.router = name;
    }
    layer.router_tensors = std::move(found.router);
    if (layer.router.empty()) misfits_.add("block {} has experts, but no router weight", layer.layer);
  }

  void add_experts(FoundLayer& found, MoeLayerTensors& layer) {
    if (found.experts.empty()) return;
    const auto& [first, roles] = *found.experts.begin();
    const ExpertWeights first_weights = weights_of(roles);
    for (std::int64_t expert = 0; expert < layer.num_experts; ++expert) {
      const auto at = found.experts.find(expert);
      if (at == found.experts.end()) {
        misfits_.add("block {}: expert {} is missing, config.json says {} ({})", layer.layer, expert,
                     layer.num_experts, experts_field_);
        continue;
      }
      if (expert != first)
        expect_weights_like(weights_of(at->second), first_weights, layer.layer, expert, first);
      std::vector<std::string> tensors;
      for (const auto& [role, name] : at->second) tensors.push_back(name);
      layer.expert_tensors.push_back(std::move(tensors));
    }
    for (const auto& [expert, tensors] : found.experts) {
      if (expert >= layer.num_experts)
        misfits_.add("tensor {} is of expert {}, config.json gives block {} {} experts ({})",
                     tensors.begin()->second, expert, layer.layer, layer.num_experts, experts_field_);
    }
    for (const auto& [role, name] : roles) layer.parameters_per_expert += parameters_of(name);
  }

  /// A weight of an expert: its main tensor, and the shape it stands for, where the format is read.
  struct ExpertWeight {
    std::string name;
    std::optional<std::vector<std::int64_t>> shape;
  };
  using ExpertWeights = std::map<std::string, ExpertWeight>;

  /// By role, whatever tensors each takes: a quantiser may have left some experts as they were.
  ExpertWeights weights_of(const Roles& tensors) const {
    ExpertWeights weights;
    for (const auto& [role, name] : tensors) {
      const formats::Place place = formats::place_of(checkpoint_.weights(), checkpoint_.tensor(name));
      const auto parsed = names_.parse(place.weight);
      if (place.part > 0) continue;
      const auto main = formats::find_main(checkpoint_.weights(), place.weight);
      weights[std::string(parsed ? parsed->role : role)] = {name, main ? main->shape : std::nullopt};
    }
    return weights;
  }

  /// An expert's weights, compared with those of the first expert.
  void expect_weights_like(const ExpertWeights& weights, const ExpertWeights& others, std::int64_t block,
                           std::int64_t expert, std::int64_t first) {
    if (weights.size() != others.size())
      misfits_.add("block {}: expert {} has {} weights, expert {} has {}", block, expert, weights.size(),
                   first, others.size());
    for (const auto& [role, other] : others) {
      const auto found = weights.find(role);
      if (found == weights.end())
        misfits_.add("tensor {} has no counterpart in another expert", other.name);
      else if (found->second.shape && other.shape && *found->second.shape != *other.shape)
        misfits_.add("tensor {} is [{}], but {} is [{}]", found->second.name,
                     fmt::join(*found->second.shape, ", "), other.name, fmt::join(*other.shape, ", "));
    }
  }

  const Checkpoint& checkpoint_;
  const arch::ModelSpec& spec_;
  const arch::TensorNames& names_;
  const std::string_view experts_field_;
  Topology result_;
  std::map<std::int64_t, FoundLayer> found_;
  std::set<std::int64_t> next_token_;  // blocks after the last
  arch::Misfits misfits_;
};

}  // namespace

Topology find_topology(const Checkpoint& checkpoint, const arch::ModelSpec& spec) {
  return Finder(checkpoint, spec).run();
}

}  // namespace espalier
