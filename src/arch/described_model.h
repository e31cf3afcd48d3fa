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

enum class ModelKind {
  kDecoder,  ///< predicts the next token
  kEncoder,  ///< of text: hidden states, masked words, classes
  kVision    ///< images to classes
};

ModelKind kind_of(const ModelSpec& spec);
/// "a decoder", for messages.
std::string_view kind_name(ModelKind kind);

/// `describe` for those who run the model. Throws UserError for another kind of model than `kind`, and for
/// families that are pruned but not run.
DescribedModel describe_to_run(const Checkpoint& checkpoint, ModelKind kind);

/// config.json of a checkpoint alone.
ModelSpec read_spec(const Checkpoint& checkpoint);

}  // namespace espalier::arch
