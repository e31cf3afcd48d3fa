#pragma once

#include <torch/types.h>

#include "data/example_batches.h"
#include "data/mlm_batches.h"
#include "data/task.h"
#include "train/forward.h"

namespace espalier {

/// Forward pass of a batch of examples with the classification head: [B, labels] scores, or [B, 1] values.
struct TaskOutput {
  torch::Tensor scores;
  torch::Tensor balance_loss;  // scalar; undefined without MoE layers
};
TaskOutput task_forward(const train::Transformer& model, const ExampleBatch& batch,
                        const train::ForwardOptions& options);

/// Mean cross-entropy (nats) or mean squared error of a batch: scalar.
torch::Tensor task_loss(const Task& task, const torch::Tensor& scores, const ExampleBatch& batch,
                        Backend backend);

struct MaskedLoss {
  torch::Tensor mlm;      // scalar: mean cross-entropy at the masked positions, nats
  torch::Tensor balance;  // scalar, or undefined without MoE layers
};

/// Forward pass of a masked batch; the vocabulary head runs on the masked positions alone.
MaskedLoss masked_loss(const train::Transformer& model, const MlmBatch& batch,
                       const train::ForwardOptions& options);

}  // namespace espalier
