#pragma once

#include <optional>
#include <vector>

#include "base/progress.h"
#include "data/encoded_examples.h"
#include "data/task_metrics.h"
#include "infer/encoder.h"

namespace espalier {

struct TaskEvaluation {
  double loss = 0.0;                ///< mean over the examples: cross-entropy (nats), or squared error
  Metrics metrics;                  ///< the task's own
  std::vector<double> predictions;  ///< per example: the label's number, or the value
};

/// All examples in their order; they have labels.
TaskEvaluation evaluate_task(const infer::EncoderModel& model, const Task& task,
                             const EncodedExamples& examples, const ProgressSink& progress = {});

struct Prediction {
  double answer = 0.0;                ///< the label's number, or the value
  std::vector<double> probabilities;  ///< of every label; none for a value
};

/// The model's answer to each example, in their order; examples of about one length share a batch. Labels are
/// not looked at.
std::vector<Prediction> predict_task(const infer::EncoderModel& model, const Task& task,
                                     const EncodedExamples& examples, const ProgressSink& progress = {});

}  // namespace espalier
