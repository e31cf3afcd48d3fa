#include "eval/task_evaluation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

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

/// [B, labels].
Buffer<float> scores_of(const infer::EncoderModel& model, const ExampleBatch& batch) {
  const infer::SequenceLayout layout{batch.offsets};
  const auto hidden = encode(model, {batch.ids, batch.types, layout});
  return classify(model, layout, hidden.data());
}

/// Calls `use` with every batch, in the examples' order, and its scores [B, labels].
template <typename Use>
void for_each_output(const infer::EncoderModel& model, const EncodedExamples& examples,
                     const ProgressSink& progress, Use use) {
  ExampleBatches batches(examples, {.batch_size = kEvaluationBatch, .order = ExampleOrder::kFile});
  std::uint64_t done = 0;
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    const auto batch = batches.next(cursor);
    const auto scores = scores_of(model, batch);
    use(batch,
        LogitRows(static_cast<std::int64_t>(batch.size()), model.classifier->weight.out(), scores.data()));
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

Prediction prediction_of(const Task& task, const LogitRows& scores, std::int64_t b) {
  Prediction prediction{answer_of(task, scores, b), {}};
  if (task.kind == TaskKind::kClassification)
    for (std::size_t label = 0; label < task.labels.size(); ++label)
      prediction.probabilities.push_back(
          std::exp(scores.log_probability(b, static_cast<std::int64_t>(label))));
  return prediction;
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
  std::vector<std::uint32_t> order(examples.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {},
                           [&](std::uint32_t i) { return examples.offsets[i + 1] - examples.offsets[i]; });
  std::vector<Prediction> predictions(examples.size());
  for (std::size_t begin = 0; begin < order.size(); begin += kEvaluationBatch) {
    const auto count = std::min<std::size_t>(kEvaluationBatch, order.size() - begin);
    const auto batch = gather(examples, std::span(order).subspan(begin, count));
    const auto scores = scores_of(model, batch);
    const LogitRows rows(static_cast<std::int64_t>(count), model.classifier->weight.out(), scores.data());
    for (std::size_t b = 0; b < count; ++b)
      predictions[batch.places[b]] = prediction_of(task, rows, static_cast<std::int64_t>(b));
    if (progress) progress({"predicting", begin + count, examples.size(), "texts"});
  }
  return predictions;
}

}  // namespace espalier
