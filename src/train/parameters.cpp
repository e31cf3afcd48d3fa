#include "train/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "arch/tensor_names.h"
#include "base/error.h"
#include "base/memory_limit.h"

namespace espalier::train {
namespace {

using arch::Part;
using arch::Role;
using arch::TensorKey;

/// The name of the first part with what is fused in its place.
std::string fused(std::string name, std::string_view part, std::string_view whole) {
  const auto at = name.rfind(part);
  if (at == std::string::npos) throw InternalError("parameters: " + name + " has no " + std::string(part));
  return name.replace(at, part.size(), whole);
}

std::string without(std::string name, std::string_view end) {
  return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : name;
}

class Table {
 public:
  explicit Table(Transformer& model) : model_(model) {
    for (auto& tensor : arch::expected_tensors(model.spec)) expected_.emplace(tensor.key, tensor);
  }

  std::vector<Parameter> list() {
    input();
    model_.blocks.resize(model_.spec.blocks.size());
    for (std::size_t l = 0; l < model_.blocks.size(); ++l) {
      layer_ = static_cast<std::int64_t>(l);
      block(model_.spec.blocks[l], model_.blocks[l]);
    }
    layer_ = -1;
    heads();
    return std::move(all_);
  }

 private:
  bool has(Role role, Part part = Part::kWeight) const {
    return expected_.contains({role, part, layer_, -1});
  }
  std::string name_of(Role role, Part part = Part::kWeight, std::int64_t expert = -1) const {
    return stored_name(model_.spec, {role, part, layer_, expert});
  }

  void add(Role role, torch::Tensor& value, Part part = Part::kWeight) {
    if (has(role, part)) add(name_of(role, part), value, {{role, part}});
  }
  void add(std::string name, torch::Tensor& value, const std::vector<std::pair<Role, Part>>& roles,
           std::int64_t experts = 0) {
    Parameter parameter{std::move(name), &value, {}, experts, true};
    for (const auto& [role, part] : roles) {
      parameter.parts.push_back(expected_.at({role, part, layer_, experts > 0 ? 0 : -1}));
      parameter.trained = parameter.trained && part != Part::kCorrection;
    }
    all_.push_back(std::move(parameter));
  }
  void add(Role role, Linear& linear) {
    add(role, linear.weight);
    add(role, linear.bias, Part::kBias);
  }
  void add(Role role, NormWeights& norm) {
    add(role, norm.weight);
    add(role, norm.bias, Part::kBias);
  }

  void input() {
    add(Role::kTokenEmbedding, model_.token);
    add(Role::kPatch, model_.patch);
    add(Role::kClassToken, model_.class_token);
    add(Role::kPositionEmbedding, model_.position);
    add(Role::kTypeEmbedding, model_.token_type);
    add(Role::kEmbeddingNorm, model_.embedding_norm);
  }

  void block(const arch::BlockSpec& spec, Block& block) {
    const bool pre = spec.placement == arch::NormPlacement::kPre;
    if (pre) add(Role::kMixerNorm, block.mixer_norm);
    mixer(spec, block);
    if (!pre) add(Role::kMixerNorm, block.mixer_norm);
    if (pre) add(Role::kFeedForwardNorm, block.feed_forward_norm);
    feed_forward(spec, block);
    if (!pre) add(Role::kFeedForwardNorm, block.feed_forward_norm);
  }

  void mixer(const arch::BlockSpec& spec, Block& block) {
    if (std::holds_alternative<arch::LatentAttention>(spec.mixer)) {
      if (!std::holds_alternative<LatentWeights>(block.mixer)) block.mixer = LatentWeights{};
      return latent(std::get<LatentWeights>(block.mixer));
    }
    grouped(std::get<GroupedWeights>(block.mixer));
  }

  void grouped(GroupedWeights& a) {
    for (const Part part : {Part::kWeight, Part::kBias}) {
      if (!has(Role::kQuery, part)) continue;
      const auto name = name_of(Role::kQuery, part);
      const bool short_name = name.find(".q_proj.") != std::string::npos;
      add(fused(name, short_name ? ".q_proj." : ".query.", short_name ? ".qkv_proj." : ".qkv."),
          part == Part::kWeight ? a.qkv.weight : a.qkv.bias,
          {{Role::kQuery, part}, {Role::kKey, part}, {Role::kValue, part}});
    }
    add(Role::kQueryNorm, a.query_norm);
    add(Role::kKeyNorm, a.key_norm);
    add(Role::kMixerOutput, a.output);
  }

  void latent(LatentWeights& a) {
    add(Role::kQueryDown, a.query_down);
    add(Role::kQueryDownNorm, a.query_norm);
    add(has(Role::kQueryUp) ? Role::kQueryUp : Role::kQuery, a.query);
    add(Role::kKeyValueDown, a.key_value_down);
    add(Role::kKeyValueDownNorm, a.key_value_norm);
    add(Role::kKeyValueUp, a.key_value);
    add(Role::kMixerOutput, a.output);
  }

  void feed_forward(const arch::BlockSpec& spec, Block& block) {
    if (const auto* moe = spec.moe()) {
      if (block.moe() == nullptr) block.feed_forward = MoeWeights{};
      return experts(*moe, *block.moe());
    }
    if (block.moe() != nullptr) block.feed_forward = FeedForwardWeights{};
    network(std::get<arch::FeedForward>(spec.feed_forward), {Role::kGate, Role::kUp, Role::kDown},
            std::get<FeedForwardWeights>(block.feed_forward));
  }

  struct NetworkRoles {
    Role gate, up, down;
  };

  /// A dense or shared network.
  void network(const arch::FeedForward& spec, const NetworkRoles& roles, FeedForwardWeights& w) {
    w.kind = spec.gated ? FeedForwardKind::kGatedSilu : FeedForwardKind::kGelu;
    if (!spec.gated) {
      add(roles.up, w.up);
      add(roles.up, w.up_bias, Part::kBias);
      add(roles.down, w.down);
      add(roles.down, w.down_bias, Part::kBias);
      return;
    }
    add(without(fused(name_of(roles.gate), "gate_proj", "gate_up_proj"), ".weight"), w.up,
        {{roles.gate, Part::kWeight}, {roles.up, Part::kWeight}});
    add(without(name_of(roles.down), ".weight"), w.down, {{roles.down, Part::kWeight}});
  }

  void experts(const arch::MixtureOfExperts& spec, MoeWeights& moe) {
    add(Role::kRouter, moe.router);
    add(Role::kRouter, moe.correction, Part::kCorrection);
    add(Role::kNovices, moe.novices, Part::kBias);
    const auto first = name_of(Role::kExpertUp, Part::kWeight, 0);
    const auto prefix = first.substr(0, first.find(".experts.") + 9);
    auto& w = moe.experts;
    w.kind = spec.expert.gated ? FeedForwardKind::kGatedSilu : FeedForwardKind::kGelu;
    if (spec.expert.gated) {
      add(prefix + "gate_up_proj", w.up,
          {{Role::kExpertGate, Part::kWeight}, {Role::kExpertUp, Part::kWeight}}, spec.experts);
      add(prefix + "down_proj", w.down, {{Role::kExpertDown, Part::kWeight}}, spec.experts);
    } else {
      add(prefix + "up", w.up, {{Role::kExpertUp, Part::kWeight}}, spec.experts);
      add(prefix + "up_bias", w.up_bias, {{Role::kExpertUp, Part::kBias}}, spec.experts);
      add(prefix + "down", w.down, {{Role::kExpertDown, Part::kWeight}}, spec.experts);
      add(prefix + "down_bias", w.down_bias, {{Role::kExpertDown, Part::kBias}}, spec.experts);
    }
    if (spec.shared)
      network(spec.shared->network, {Role::kSharedGate, Role::kSharedUp, Role::kSharedDown}, moe.shared);
    add(Role::kSharedScore, moe.shared_gate);
  }

  void heads() {
    add(Role::kFinalNorm, model_.final_norm);
    add(Role::kHead, model_.head);
    add(Role::kPooler, model_.pooler);
    add(Role::kMaskedWordTransform, model_.masked_transform);
    add(Role::kMaskedWordNorm, model_.masked_norm);
    add(Role::kMaskedWordOutput, model_.masked_bias, Part::kBias);
    add(Role::kClassifier, model_.classifier);
  }

  Transformer& model_;
  std::map<TensorKey, arch::ExpectedTensor> expected_;
  std::int64_t layer_ = -1;
  std::vector<Parameter> all_;
};

}  // namespace

std::vector<std::int64_t> Parameter::shape() const {
  std::vector<std::int64_t> shape = parts.front().shape;
  for (std::size_t i = 1; i < parts.size(); ++i) shape.front() += parts[i].shape.front();
  if (experts > 0) shape.insert(shape.begin(), experts);
  return shape;
}

std::string stored_name(const arch::ModelSpec& spec, const TensorKey& key) {
  const auto& names = arch::names_of(spec.family);
  return names.name(*names.rows(key.role, key.part, arch::Stack::kOnly).front(), key.block, key.expert);
}

std::vector<Parameter> parameters(Transformer& model) {
  return Table(model).list();
}

void for_each_part(const Parameter& parameter, const torch::Tensor& value,
                   const std::function<void(const arch::TensorKey& key, torch::Tensor part)>& visit) {
  for (std::int64_t e = 0; e < std::max<std::int64_t>(1, parameter.experts); ++e) {
    const auto own = parameter.experts > 0 ? value[e] : value;
    std::int64_t row = 0;
    for (const auto& part : parameter.parts) {
      auto key = part.key;
      if (parameter.experts > 0) key.expert = e;
      visit(key, parameter.parts.size() > 1 ? own.narrow(0, row, part.shape.front()) : own);
      row += part.shape.front();
    }
  }
}

void visit_parameters(Transformer& model,
                      const std::function<void(const std::string&, torch::Tensor&)>& visit) {
  for (auto& parameter : parameters(model))
    if (parameter.trained && parameter.value->defined()) visit(parameter.name, *parameter.value);
}

std::int64_t parameter_count(const Transformer& model) {
  std::int64_t count = 0;
  visit_parameters(const_cast<Transformer&>(model),
                   [&](const std::string&, torch::Tensor& tensor) { count += tensor.numel(); });
  return count;
}

bool is_encoder(const arch::ModelSpec& spec) {
  return std::holds_alternative<arch::TextInput>(spec.input) && !spec.heads.language;
}

void expect_room(Transformer& model, std::uint64_t bytes_per_number, const std::string& source) {
  double numbers = 0;  // more than 2^64 may be asked for
  for (const auto& parameter : parameters(model)) {
    double size = 1;
    for (const auto extent : parameter.shape()) size *= static_cast<double>(extent);
    numbers += size;
  }
  constexpr double kMost = 9e18;
  const double bytes = std::min(kMost, numbers * static_cast<double>(bytes_per_number));
  expect_memory(static_cast<std::uint64_t>(bytes),
                fmt::format("{}: a model of {:.4g} parameters", source, numbers),
                "a smaller model, or a machine with more");
}

}  // namespace espalier::train
