#include "arch/inspect.h"

#include <algorithm>
#include <set>

#include "arch/described_model.h"

namespace espalier {
namespace {

PruningEstimate estimate(const Checkpoint& checkpoint, const Inspection& inspection, std::int64_t kept) {
  const Topology& topology = inspection.topology;
  PruningEstimate result{kept, inspection.parameters - topology.removed_parameters(kept),
                         inspection.parameters_per_token, 0};
  for (const MoeLayerTensors& layer : topology.layers) {
    const std::int64_t removed = std::max<std::int64_t>(0, layer.num_experts - kept);
    result.saved_bytes += static_cast<std::uint64_t>(removed) * bytes_per_expert(checkpoint, layer);
    if (layer.kind == MoeLayerKind::kNextToken) continue;
    result.parameters_per_token -= removed * layer.router_parameters_per_expert;
    result.parameters_per_token -=
        std::max<std::int64_t>(0, topology.experts_per_token - kept) * layer.parameters_per_expert;
  }
  return result;
}

std::vector<PruningEstimate> estimates(const Checkpoint& checkpoint, const Inspection& inspection) {
  const std::int64_t groups = inspection.topology.groups;
  std::int64_t most_experts = 0;
  for (const MoeLayerTensors& layer : inspection.topology.layers)
    most_experts = std::max(most_experts, layer.num_experts);
  std::vector<PruningEstimate> result;
  for (const std::int64_t kept :
       std::set<std::int64_t, std::greater<>>{most_experts / 2 / groups * groups, groups}) {
    if (kept >= 1 && kept < most_experts) result.push_back(estimate(checkpoint, inspection, kept));
  }
  return result;
}

std::int64_t dense_width(const arch::BlockSpec& block) {
  const auto* network = std::get_if<arch::FeedForward>(&block.feed_forward);
  return network == nullptr ? 0 : network->width;
}

ModelSizes sizes_of(const arch::ModelSpec& spec) {
  ModelSizes sizes;
  sizes.layers = spec.layers();
  sizes.width = spec.width;
  for (const arch::BlockSpec& b : spec.blocks) sizes.heads = std::max(sizes.heads, arch::heads_of(b.mixer));
  sizes.positions = spec.positions();
  if (const auto* text = std::get_if<arch::TextInput>(&spec.input)) sizes.vocabulary = text->vocabulary;
  const auto layers = arch::moe_layers(spec);
  const auto& block = spec.blocks[static_cast<std::size_t>(layers.empty() ? 0 : layers.front())];
  sizes.inner_width = block.moe() ? block.moe()->expert.width : dense_width(block);
  return sizes;
}

void describe_moe(const arch::ModelSpec& spec, Inspection& result) {
  const arch::MixtureOfExperts* moe = arch::first_moe(spec);
  if (moe == nullptr) return;
  result.router = moe->router.rule;
  if (moe->shared) result.shared = {moe->shared->count, moe->shared->network.width};
}

}  // namespace

Inspection inspect(const Checkpoint& checkpoint) {
  arch::DescribedModel model = arch::describe(checkpoint);
  Inspection result;
  result.folder = checkpoint.folder().string();
  result.model_type = model.spec.family;
  result.title = arch::family_named(model.spec.family).title;
  result.sizes = sizes_of(model.spec);
  describe_moe(model.spec, result);
  result.topology = std::move(model.topology);
  result.notes = std::move(model.spec.notes);
  for (const std::string_view name : checkpoint.names()) {
    const TensorView tensor = checkpoint.tensor(name);
    const bool is_table = tensor.dtype == Dtype::kI64;  // of numbers to look up
    const std::int64_t parameters = is_table ? 0 : formats::parameters(checkpoint.weights(), tensor);
    result.parameters += parameters;
    if (parameters > 0) result.parameters_of_dtype[std::string(espalier::name(tensor.dtype))] += parameters;
    ++result.tensors;
  }
  result.parameters_per_token = result.parameters - result.topology.idle_parameters();
  result.file_bytes = checkpoint.file_bytes();
  result.files = static_cast<std::int64_t>(checkpoint.files().size());
  result.pruning = estimates(checkpoint, result);
  return result;
}

}  // namespace espalier
