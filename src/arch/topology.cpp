#include "arch/topology.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/hash.h"

namespace espalier {
namespace {

constexpr std::string_view kOptionalPrefix = "bert.";

std::vector<std::string> tensors_of(const MoeLayerTensors& layer) {
  std::vector<std::string> names = layer.router_tensors;
  names.insert(names.end(), layer.stacked_tensors.begin(), layer.stacked_tensors.end());
  for (const auto& expert : layer.expert_tensors) names.insert(names.end(), expert.begin(), expert.end());
  std::sort(names.begin(), names.end());
  return names;
}

std::string without_prefix(const std::string& name) {
  return name.starts_with(kOptionalPrefix) ? name.substr(kOptionalPrefix.size()) : name;
}

}  // namespace

std::int64_t Topology::idle_parameters() const {
  std::int64_t sum = next_token_parameters + other_experts_parameters;
  for (const MoeLayerTensors& layer : layers) {
    if (layer.kind == MoeLayerKind::kBlock)
      sum += (layer.num_experts - experts_per_token) * layer.parameters_per_expert;
  }
  return sum;
}

std::int64_t Topology::removed_parameters(std::int64_t kept) const {
  std::int64_t sum = 0;
  for (const MoeLayerTensors& layer : layers) {
    const std::int64_t removed = std::max<std::int64_t>(0, layer.num_experts - kept);
    sum += removed * (layer.parameters_per_expert + layer.router_parameters_per_expert);
  }
  return sum;
}

const MoeLayerTensors* Topology::find(std::int64_t layer) const {
  for (const MoeLayerTensors& candidate : layers) {
    if (candidate.layer == layer) return &candidate;
  }
  return nullptr;
}

std::uint64_t bytes_per_expert(const Checkpoint& checkpoint, const MoeLayerTensors& layer) {
  std::uint64_t shared = 0, own = 0;
  for (const auto* names : {&layer.router_tensors, &layer.stacked_tensors}) {
    for (const std::string& name : *names) shared += checkpoint.tensor(name).bytes.size();
  }
  for (const auto& tensors : layer.expert_tensors) {
    for (const std::string& name : tensors) own += checkpoint.tensor(name).bytes.size();
  }
  return (own + shared) / static_cast<std::uint64_t>(layer.num_experts);
}

std::string topology_sha256(const Topology& topology, const Checkpoint& checkpoint) {
  Sha256 hash;
  const auto line = [&](std::string text) {
    text += '\n';
    hash.update(std::as_bytes(std::span(text)));
  };
  line("espalier.topology/1");
  line(fmt::format("{} {} {} {}", topology.model_type, topology.experts_per_token, topology.groups,
                   topology.top_groups));
  for (const MoeLayerTensors& layer : topology.layers) {
    if (layer.kind != MoeLayerKind::kBlock) continue;
    line(fmt::format("layer {} {}", layer.layer, layer.num_experts));
    if (!layer.router_rows.empty()) line(fmt::format("rows {}", fmt::join(layer.router_rows, " ")));
    for (const std::string& name : tensors_of(layer))
      line(fmt::format("{} {}", without_prefix(name), fmt::join(checkpoint.tensor(name).shape, "x")));
  }
  return hash.hex();
}

}  // namespace espalier
