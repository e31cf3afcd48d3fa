#include "train/finetune.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "data/baselines.h"
#include "eval/task_evaluation.h"
#include "train/encoder_finetuning.h"
#include "train/inference.h"
#include "train/task_loss.h"
#include "train/training_loop.h"

namespace espalier {
namespace {

/// The examples as the run sees them: another text, tokenizer or label order gives another hash.
std::string hash_of(const EncodedExamples& examples) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(examples.ids)));
  hash.update(std::as_bytes(std::span(examples.offsets)));
  hash.update(std::as_bytes(std::span(examples.first_lengths)));
  hash.update(std::as_bytes(std::span(examples.labels)));
  hash.update(std::as_bytes(std::span(examples.values)));
  return hash.hex();
}

class TaskFinetuning : public EncoderFinetuning {
 public:
  /// Reads the task and the model; `options.steps` is filled in where epochs were asked for.
  explicit TaskFinetuning(FinetuneOptions& options)
      : EncoderFinetuning(options),
        train_split_(read_training_split()),
        task_(train_split_.task),
        train_(encode(train_split_)),
        batches_(train_, {.batch_size = options.batch, .seed = options.seed}),
        examples_hash_(hash_of(train_)) {
    const bool regression = task_.kind == TaskKind::kRegression;
    start({task_.name, "ForSequenceClassification",
           regression ? std::vector<std::string>{"LABEL_0"} : task_.labels, true,
           regression ? arch::ProblemType::kRegression : arch::ProblemType::kSingleLabel},
          train_);
  }

  void prepare() override {
    if (options_.hold_out == 0.0) dev_split_ = read_task_split(task_, options_.data, "dev");
    dev_ = encode(dev_split_);
    if (options_.note && train_.cut + dev_.cut > 0)
      options_.note(fmt::format(
          "{} of {} training and {} of {} {} examples were longer than {} tokens and cut", train_.cut,
          train_.size(), dev_.cut, dev_.size(), dev_split_.split, options_.sequence_length));
  }

  nlohmann::json resolved_options() const override {
    auto resolved = EncoderFinetuning::resolved_options();
    resolved.update({{"data", train_split_.file.string()},
                     {"examples_sha256", examples_hash_},
                     {"examples", train_.size()}});
    if (options_.hold_out > 0.0) resolved["hold_out"] = options_.hold_out;
    return resolved;
  }

  StepLoss loss(CorpusCursor& cursor, const train::ForwardOptions& options) override {
    const auto batch = batches_.next(cursor);
    const auto output = task_forward(model_, batch, options);
    return {task_loss(task_, output.scores, batch, options.backend), output.balance_loss,
            static_cast<std::int64_t>(batch.ids.size())};
  }

  std::optional<double> validate(MetricsLine& line) override {
    evaluation_ = evaluate_task(train::encoder_of(model_), task_, dev_);
    line.valid_metrics = evaluation_->metrics;
    return evaluation_->loss;
  }

  EvalResult eval_result() override {
    if (!evaluation_)
      evaluation_ = evaluate_task(train::encoder_of(model_), task_, dev_);  // resumed at its end
    auto metrics = evaluation_->metrics;
    metrics["loss"] = evaluation_->loss;
    EvalResult result{task_.name, dev_split_.split, static_cast<std::int64_t>(dev_.size()),
                      std::move(metrics)};
    for (const auto& baseline : baselines(train_split_, dev_split_))
      result.baselines[baseline.name] = baseline.metrics;
    return result;
  }

 private:
  /// Those that are trained on; what is held out of them becomes `dev_split_`.
  TaskSplit read_training_split() {
    auto split = read_task_split(options_.task, options_.data, "train");
    if (options_.train_examples) keep_examples(split, static_cast<std::size_t>(*options_.train_examples));
    if (options_.hold_out > 0.0) dev_split_ = hold_out(split, options_.hold_out);
    return split;
  }

  EncodedExamples encode(const TaskSplit& split) const {
    return encode_examples(split, tokenizer_, options_.sequence_length, options_.progress);
  }

  TaskSplit dev_split_, train_split_;  // dev first: what is held out of train becomes it
  Task task_;                          // with the labels of the training split
  EncodedExamples train_, dev_;
  ExampleBatches batches_;
  std::string examples_hash_;
  std::optional<TaskEvaluation> evaluation_;  // the last one
};

}  // namespace

FinetuneSummary run_finetuning(EncoderFinetuning& objective, FinetuneOptions& options) {
  FinetuneSummary summary{run_training("finetune", objective, options), {}, 0};
  summary.eval = objective.eval_result();
  summary.parameters = objective.parameter_count();
  return summary;
}

FinetuneSummary finetune(FinetuneOptions& options) {
  if (options.task.source != TaskSource::kWordNet)
    for (const char* split : {"train", "dev"})
      if (split != std::string_view("dev") || options.hold_out == 0.0)
        find_split_file(options.task, options.data, split);
  TaskFinetuning objective(options);
  return run_finetuning(objective, options);
}

}  // namespace espalier
