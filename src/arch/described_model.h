#pragma once

#include "arch/tensor_table.h"
#include "arch/topology.h"

namespace espalier::arch {

/// What a checkpoint is: its config as a value, its experts, and every role's tensor. No weight is read.
struct DescribedModel {
  ModelSpec spec;
  Topology topology;
  BoundTensors tensors;
};

/// Throws UserError for an unknown architecture, a config that makes no sense, and tensors that do not fit
/// it. Every verb that opens a model goes through here, so that all refuse alike.
DescribedModel describe(const Checkpoint& checkpoint);

/// config.json of a checkpoint alone.
ModelSpec read_spec(const Checkpoint& checkpoint);

}  // namespace espalier::arch
