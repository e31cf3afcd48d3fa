#include "observe/describe_model.h"

#include "arch/described_model.h"

namespace espalier {
namespace {

Topology topology_of(const infer::DecoderModel& model) {
  return find_topology(*model.source, arch::read_spec(*model.source));
}

}  // namespace

Observations describe_model(const infer::DecoderModel& model, const std::string& name) {
  Observations observations;
  observations.model = name;
  observations.model_type = model.spec.family;
  observations.topology_sha256 = topology_of(model).sha256;
  const RouterConfig rule = arch::routing_rule(model.spec);
  observations.experts_per_token = static_cast<int>(rule.experts_per_token);
  observations.router_groups = static_cast<int>(rule.groups);
  observations.router_top_groups = static_cast<int>(rule.top_groups);
  observations.version = ESPALIER_VERSION;
  return observations;
}

std::map<std::int64_t, std::uint64_t> expert_bytes_of(const infer::DecoderModel& model) {
  std::map<std::int64_t, std::uint64_t> bytes;
  for (const MoeLayerTensors& layer : topology_of(model).layers)
    bytes[layer.layer] = bytes_per_expert(*model.source, layer);
  return bytes;
}

}  // namespace espalier
