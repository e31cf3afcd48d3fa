#include "eval/task_evaluation.h"

#include <cmath>

#include "data/example_batches.h"
#include "eval/logit_rows.h"

namespace espalier {
namespace {

constexpr std::int64_t kEvaluationBatch = 64;  // examples

Metrics measure(const Task& task, const EncodedExamples& examples, const std::vector<double>& predictions) {
  if (task.kind == TaskKind::kRegression) {
    const std::vector<double> gold(examples.values.begin(), examples.values.end());
    return task_metrics(task, std::span<const double>(predictions), std::span<const double>(gold));
  }
  const std::vector<int> labels(predictions.begin(), predictions.end());
  const std::vector<int> gold(examples.labels.begin(), examples.labels.end());
  return task_metrics(task, std::span<const int>(labels), std::span<const int>(gold));
}

/// Calls `use` with every batch, in the examples' order, and its scores [B, labels].
template <typename Use>
void for_each_output(const infer::EncoderModel& model, const EncodedExamples& examples,
                     const ProgressSink& progress, Use use) {
  ExampleBatches batches(examples, {.batch_size = kEvaluationBatch, .order = ExampleOrder::kFile});
  std::uint64_t done = 0;
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    const auto batch = batches.next(cursor);
    const infer::SequenceLayout layout{batch.offsets};
    const auto hidden = encode(model, {batch.ids, batch.types, layout});
    const auto scores = classify(model, layout, hidden.data());
    use(batch, LogitRows(layout.sequences(), model.classifier->weight.out(), scores.data()));
    done += batch.size();
    if (progress) progress({"evaluating", done, examples.size(), "examples"});
  }
}

double answer_of(const Task& task, const LogitRows& scores, std::int64_t b) {
  return task.kind == TaskKind::kRegression ? static_cast<double>(scores.row(b)[0])
                                            : static_cast<double>(scores.first_choice(b));
}

double loss_of(const Task& task, const LogitRows& scores, const ExampleBatch& batch, std::int64_t b) {
  const auto i = static_cast<std::size_t>(b);
  if (task.kind == TaskKind::kRegression)
    return std::pow(static_cast<double>(scores.row(b)[0]) - static_cast<double>(batch.values[i]), 2);
  return -scores.log_probability(b, batch.labels[i]);
}

}  // namespace

TaskEvaluation evaluate_task(const infer::EncoderModel& model, const Task& task,
                             const EncodedExamples& examples, const ProgressSink& progress) {
  TaskEvaluation evaluation;
  for_each_output(model, examples, progress, [&](const ExampleBatch& batch, const LogitRows& scores) {
    for (std::int64_t b = 0; b < scores.count(); ++b) {
      evaluation.loss += loss_of(task, scores, batch, b);
      evaluation.predictions.push_back(answer_of(task, scores, b));
    }
  });
  evaluation.loss /= static_cast<double>(examples.size());
  evaluation.metrics = measure(task, examples, evaluation.predictions);
  return evaluation;
}

std::vector<Prediction> predict_task(const infer::EncoderModel& model, const Task& task,
                                     const EncodedExamples& examples, const ProgressSink& progress) {
  std::vector<Prediction> predictions;
  for_each_output(model, examples, progress, [&](const ExampleBatch&, const LogitRows& scores) {
    for (std::int64_t b = 0; b < scores.count(); ++b) {
      Prediction prediction{answer_of(task, scores, b), std::nullopt};
      if (task.kind == TaskKind::kClassification)
        prediction.probability = std::exp(scores.log_probability(b, scores.first_choice(b)));
      predictions.push_back(prediction);
    }
  });
  return predictions;
}

}  // namespace espalier
