#include "eval/task_evaluation.h"

#include <torch/utils.h>

#include <algorithm>

namespace espalier {
namespace {

constexpr std::int64_t kEvaluationBatch = 64;  // examples

/// Appends what the scores say: the first of the highest, or the value.
void append_predictions(const Task& task, const torch::Tensor& scores, std::vector<double>& predictions) {
  const auto rows = scores.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto width = rows.size(1);
  const float* row = rows.data_ptr<float>();
  for (std::int64_t b = 0; b < rows.size(0); ++b, row += width)
    predictions.push_back(task.kind == TaskKind::kRegression
                              ? static_cast<double>(row[0])
                              : static_cast<double>(std::max_element(row, row + width) - row));
}

Metrics measure(const Task& task, const EncodedExamples& examples, const std::vector<double>& predictions) {
  if (task.kind == TaskKind::kRegression) {
    const std::vector<double> gold(examples.values.begin(), examples.values.end());
    return task_metrics(task, std::span<const double>(predictions), std::span<const double>(gold));
  }
  const std::vector<int> labels(predictions.begin(), predictions.end());
  const std::vector<int> gold(examples.labels.begin(), examples.labels.end());
  return task_metrics(task, std::span<const int>(labels), std::span<const int>(gold));
}

/// Calls `use` with every batch, in the examples' order, and its scores.
template <typename Use>
void for_each_output(const BertModel& model, const EncodedExamples& examples, Backend backend,
                     const ProgressSink& progress, Use use) {
  const torch::NoGradGuard no_grad;
  ExampleBatches batches(examples, {.batch_size = kEvaluationBatch, .order = ExampleOrder::kFile});
  std::uint64_t done = 0;
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    const auto batch = batches.next(cursor);
    use(batch, task_forward(model, batch, {.backend = backend}).scores);
    done += batch.size();
    if (progress) progress({"evaluating", done, examples.size(), "examples"});
  }
}

}  // namespace

TaskOutput task_forward(const BertModel& model, const ExampleBatch& batch, const ForwardOptions& options) {
  const SequenceLayout layout{batch.offsets};
  const auto encoding = encode(
      model, {torch::tensor(batch.ids, torch::kInt64), torch::tensor(batch.types, torch::kInt64), layout},
      options);
  return {classify(model, encoding.hidden, layout, options), encoding.balance_loss};
}

torch::Tensor task_loss(const Task& task, const torch::Tensor& scores, const ExampleBatch& batch,
                        Backend backend) {
  if (task.kind == TaskKind::kRegression)
    return (scores.squeeze(1) - torch::tensor(batch.values, torch::kFloat32).to(scores.device()))
        .square()
        .mean();
  return ops(backend).cross_entropy(scores, torch::tensor(batch.labels, torch::kInt64).to(scores.device()));
}

TaskEvaluation evaluate_task(const BertModel& model, const Task& task, const EncodedExamples& examples,
                             Backend backend, const ProgressSink& progress) {
  TaskEvaluation evaluation;
  for_each_output(
      model, examples, backend, progress, [&](const ExampleBatch& batch, const torch::Tensor& scores) {
        evaluation.loss +=
            task_loss(task, scores, batch, backend).item<double>() * static_cast<double>(batch.size());
        append_predictions(task, scores, evaluation.predictions);
      });
  evaluation.loss /= static_cast<double>(examples.size());
  evaluation.metrics = measure(task, examples, evaluation.predictions);
  return evaluation;
}

std::vector<Prediction> predict_task(const BertModel& model, const Task& task,
                                     const EncodedExamples& examples, Backend backend,
                                     const ProgressSink& progress) {
  std::vector<Prediction> predictions;
  for_each_output(model, examples, backend, progress, [&](const ExampleBatch&, const torch::Tensor& scores) {
    std::vector<double> answers;
    append_predictions(task, scores, answers);
    const auto probabilities = torch::softmax(scores, -1).to(torch::kCPU, torch::kFloat32).contiguous();
    for (std::size_t b = 0; b < answers.size(); ++b) {
      Prediction prediction{answers[b], std::nullopt};
      if (task.kind == TaskKind::kClassification)
        prediction.probability =
            probabilities[static_cast<std::int64_t>(b)][static_cast<std::int64_t>(answers[b])].item<double>();
      predictions.push_back(prediction);
    }
  });
  return predictions;
}

}  // namespace espalier
