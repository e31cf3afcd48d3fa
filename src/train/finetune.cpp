#include "train/finetune.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "data/baselines.h"
#include "eval/task_evaluation.h"
#include "model/bert_checkpoint.h"
#include "model/inference.h"
#include "text/model_tokenizer.h"
#include "train/task_loss.h"
#include "train/training_loop.h"
#include "train/window_pruner.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

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

class TaskFinetuning : public Objective {
 public:
  /// Reads the task and the model; `options.steps` is filled in where epochs were asked for.
  explicit TaskFinetuning(FinetuneOptions& options)
      : options_(options),
        tokenizer_(load_tokenizer(options.model)),
        train_split_(read_task_split(options.task, options.data, "train")),
        task_(train_split_.task),
        train_(encode(train_split_)),
        batches_(train_, {.batch_size = options.batch, .seed = options.seed}),
        model_(starting_model(options.model, options.upcycle, options.seed, options.note)) {
    if (options.steps == 0)
      options.steps =
          std::llround(std::ceil(options.epochs * static_cast<double>(batches_.steps_per_epoch())));
    prepare_model();
    start_pruning();
  }

  void prepare() override {
    discard_old_windows();
    dev_split_ = read_task_split(task_, options_.data, "dev");
    dev_ = encode(dev_split_);
    if (options_.note && train_.cut + dev_.cut > 0)
      options_.note(
          fmt::format("{} of {} training and {} of {} dev examples were longer than {} tokens and cut",
                      train_.cut, train_.size(), dev_.cut, dev_.size(), options_.sequence_length));
  }

  nlohmann::json resolved_options() const override {
    auto resolved = starting_model_options(options_.model, options_.upcycle);
    resolved.update({{"model", options_.model.string()},
                     {"task", task_.name},
                     {"data", train_split_.file.string()},
                     {"examples_sha256", examples_hash_},
                     {"examples", train_.size()},
                     {"batch", options_.batch},
                     {"sequence_length", options_.sequence_length},
                     {"router_jitter", options_.router_jitter}});
    resolved.update(resolved_options_of(options_.prune));
    return resolved;
  }

  std::int64_t parameter_count() const override { return espalier::parameter_count(model_); }

  std::vector<OptimizedParameter> parameters() override { return optimized_parameters(model_); }

  StepLoss loss(CorpusCursor& cursor, const ForwardOptions& options) override {
    const auto batch = batches_.next(cursor);
    auto observed = options;
    if (pruner_)
      observed.on_routing = [&](std::int64_t block, const Routing& routing) {
        options.on_routing(block, routing);
        pruner_->observe(block, routing);
      };
    const auto output = task_forward(model_, batch, observed);
    return {task_loss(task_, output.scores, batch, options.backend), output.balance_loss,
            static_cast<std::int64_t>(batch.ids.size())};
  }

  void describe(MetricsLine& line, double mean_task_loss) const override {
    line.task_loss = mean_task_loss;
    if (pruner_) pruner_->describe(line);
  }

  std::optional<double> validate(MetricsLine& line) override {
    evaluation_ = evaluate_task(encoder_of(model_), task_, dev_);
    line.valid_metrics = evaluation_->metrics;
    return evaluation_->loss;
  }

  bool ends_window(std::int64_t step) const override { return pruner_ && pruner_->ends_window(step); }

  void after_step(std::int64_t step, AdamW& optimizer) override {
    if (ends_window(step)) pruner_->end_window(options_.out, *pruned_model(model_), optimizer);
  }

  nlohmann::json state() const override {
    return pruner_ ? nlohmann::json{{"pruning", pruner_->state()}} : nlohmann::json::object();
  }
  void restore(const nlohmann::json& state) override {
    if (pruner_ && state.contains("pruning")) pruner_->restore(state["pruning"], *pruned_model(model_));
  }

  void save_result(const fs::path& run_folder) override {
    if (!evaluation_) evaluation_ = evaluate_task(encoder_of(model_), task_, dev_);  // resumed at its end
    write_eval_result(run_folder / "eval.json", eval_result());
    auto saved = model_;
    const auto& config = model_.config;
    saved.config.hidden_dropout_prob = dropouts_.first;
    saved.config.attention_probs_dropout_prob = dropouts_.second;
    saved.config.router_jitter = saved_jitter_;
    saved.config.fields["architectures"] = {config.moe_layers.empty()
                                                ? "BertForSequenceClassification"
                                                : "EspalierBertMoeForSequenceClassification"};
    saved.config.fields["finetuning_task"] = task_.name;
    const auto folder = run_folder / "model";
    save_bert(saved, folder, options_.model_dtype);
    copy_tokenizer(options_.model, folder);
  }

  EvalResult eval_result() const {
    auto metrics = evaluation_->metrics;
    metrics["loss"] = evaluation_->loss;
    EvalResult result{task_.name, "dev", static_cast<std::int64_t>(dev_.size()), std::move(metrics)};
    for (const auto& baseline : baselines(train_split_, dev_split_))
      result.baselines[baseline.name] = baseline.metrics;
    return result;
  }

 private:
  EncodedExamples encode(const TaskSplit& split) const {
    return encode_examples(split, tokenizer_, options_.sequence_length, options_.progress);
  }

  void prepare_model() {
    check_vocabulary_size(model_.config, tokenizer_.vocabulary_size(), options_.model.string());
    if (options_.sequence_length > model_.config.max_position_embeddings)
      throw UserError(
          fmt::format("--seq-len {}: the model in {} holds positions for {} tokens", options_.sequence_length,
                      options_.model.string(), model_.config.max_position_embeddings),
          fmt::format("pass --seq-len {} or less", model_.config.max_position_embeddings));
    model_.mlm_head.reset();
    const bool regression = task_.kind == TaskKind::kRegression;
    reset_classifier(model_, regression ? 1 : static_cast<std::int64_t>(task_.labels.size()), options_.seed);
    if (!regression) model_.config.labels = task_.labels;
    model_.config.problem_type = regression ? ProblemType::kRegression : ProblemType::kSingleLabel;
    dropouts_ = {model_.config.hidden_dropout_prob, model_.config.attention_probs_dropout_prob};
    saved_jitter_ = model_.config.router_jitter;
    model_.config.router_jitter = options_.router_jitter;
    if (options_.dropout)
      model_.config.hidden_dropout_prob = model_.config.attention_probs_dropout_prob = *options_.dropout;
    examples_hash_ = hash_of(train_);
  }

  void start_pruning() {
    if (options_.prune.schedule == PruneSchedule::kNone) return;
    auto rule = options_.prune;
    rule.steps = options_.steps;
    pruner_.emplace(*pruned_model(model_), rule, options_.seed);
  }

  void discard_old_windows() const {
    if (options_.start == RunStart::kNew) discard_windows(options_.out);
  }

  FinetuneOptions& options_;
  WordPiece tokenizer_;
  TaskSplit train_split_, dev_split_;
  Task task_;  // with the labels of the training split
  EncodedExamples train_, dev_;
  ExampleBatches batches_;
  BertModel model_;                     // its config has the dropout and jitter of this run
  std::pair<double, double> dropouts_;  // of the saved model: hidden, attention
  double saved_jitter_ = 0.0;
  std::string examples_hash_;
  std::optional<WindowPruner> pruner_;
  std::optional<TaskEvaluation> evaluation_;  // the last one
};

}  // namespace

FinetuneSummary finetune(FinetuneOptions& options) {
  TaskFinetuning objective(options);
  FinetuneSummary summary{train("finetune", objective, options), {}, 0};
  summary.eval = objective.eval_result();
  summary.parameters = objective.parameter_count();
  return summary;
}

}  // namespace espalier
