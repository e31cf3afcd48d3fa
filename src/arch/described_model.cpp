#include "arch/described_model.h"

namespace espalier::arch {

ModelSpec read_spec(const Checkpoint& checkpoint) {
  return read_spec(checkpoint.config(), (checkpoint.folder() / "config.json").string());
}

DescribedModel describe(const Checkpoint& checkpoint) {
  ModelSpec spec = read_spec(checkpoint);
  Topology topology = find_topology(checkpoint, spec);
  BoundTensors tensors = bind(spec, checkpoint);
  return {std::move(spec), std::move(topology), std::move(tensors)};
}

}  // namespace espalier::arch
