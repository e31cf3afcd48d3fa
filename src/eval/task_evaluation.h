#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "base/progress.h"
#include "data/encoded_examples.h"
#include "data/example_batches.h"
#include "data/task_metrics.h"
#include "model/bert.h"

namespace espalier {

/// Forward pass of a batch of examples with the classification head: [B, labels] scores, or [B, 1] values.
struct TaskOutput {
  torch::Tensor scores;
  torch::Tensor balance_loss;  // scalar; undefined without MoE layers
};
TaskOutput task_forward(const BertModel& model, const ExampleBatch& batch, const ForwardOptions& options);

/// Mean cross-entropy (nats) or mean squared error of a batch: scalar.
torch::Tensor task_loss(const Task& task, const torch::Tensor& scores, const ExampleBatch& batch,
                        Backend backend);

struct TaskEvaluation {
  double loss = 0.0;                ///< mean over the examples
  Metrics metrics;                  ///< the task's own
  std::vector<double> predictions;  ///< per example: the label's number, or the value
};

/// Evaluation mode, over all examples in their order; they have labels.
TaskEvaluation evaluate_task(const BertModel& model, const Task& task, const EncodedExamples& examples,
                             Backend backend, const ProgressSink& progress = {});

struct Prediction {
  double answer = 0.0;                ///< the label's number, or the value
  std::optional<double> probability;  ///< of that label; absent for a value
};

/// The model's answer to each example; labels are not looked at.
std::vector<Prediction> predict_task(const BertModel& model, const Task& task,
                                     const EncodedExamples& examples, Backend backend,
                                     const ProgressSink& progress = {});

}  // namespace espalier
