#include "train/finetune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/hash.h"
#include "data/baselines.h"
#include "eval/task_evaluation.h"
#include "text/model_tokenizer.h"
#include "train/checkpoint.h"
#include "train/inference.h"
#include "train/task_loss.h"
#include "train/training_loop.h"
#include "train/training_memory.h"
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
        train_split_(read_training_split()),
        task_(train_split_.task),
        train_(encode(train_split_)),
        batches_(train_, {.batch_size = options.batch, .seed = options.seed}),
        model_(starting_model(options.model, options.upcycle, options.seed, options.note)) {
    if (options.steps == 0)
      options.steps =
          std::llround(std::ceil(options.epochs * static_cast<double>(batches_.steps_per_epoch())));
    prepare_model();
    expect_memory_for_steps();
    start_pruning();
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
    auto resolved = starting_model_options(options_.model, options_.upcycle);
    resolved.update({{"model", options_.model.string()},
                     {"task", task_.name},
                     {"data", train_split_.file.string()},
                     {"examples_sha256", examples_hash_},
                     {"examples", train_.size()},
                     {"batch", options_.batch},
                     {"sequence_length", options_.sequence_length},
                     {"router_jitter", options_.router_jitter}});
    if (options_.hold_out > 0.0) resolved["hold_out"] = options_.hold_out;
    resolved.update(resolved_options_of(options_.prune));
    return resolved;
  }

  std::int64_t parameter_count() const override { return train::parameter_count(model_); }

  std::vector<OptimizedParameter> parameters() override { return optimized_parameters(model_); }

  StepLoss loss(CorpusCursor& cursor, const train::ForwardOptions& options) override {
    const auto batch = batches_.next(cursor);
    const auto output = task_forward(model_, batch, options);
    return {task_loss(task_, output.scores, batch, options.backend), output.balance_loss,
            static_cast<std::int64_t>(batch.ids.size())};
  }

  void describe(MetricsLine& line, double mean_task_loss) const override { line.task_loss = mean_task_loss; }

  std::optional<double> validate(MetricsLine& line) override {
    evaluation_ = evaluate_task(train::encoder_of(model_), task_, dev_);
    line.valid_metrics = evaluation_->metrics;
    return evaluation_->loss;
  }

  WindowPruner* pruner() override { return pruner_ ? &*pruner_ : nullptr; }

  void save_result(const fs::path& run_folder, const fs::path& folder) override {
    if (!evaluation_)
      evaluation_ = evaluate_task(train::encoder_of(model_), task_, dev_);  // resumed at its end
    write_eval_result(run_folder / "eval.json", eval_result());
    auto saved = model_;
    saved.spec.training = training_;
    set_jitter(saved.spec, saved_jitter_);
    saved.fields["architectures"] = {arch::moe_layers(saved.spec).empty()
                                         ? "BertForSequenceClassification"
                                         : "EspalierBertMoeForSequenceClassification"};
    saved.fields["finetuning_task"] = task_.name;
    train::save(saved, folder, options_.model_dtype);
    copy_tokenizer(options_.model, folder);
  }

  EvalResult eval_result() const {
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

  /// Batches of the mean length.
  void expect_memory_for_steps() const {
    std::uint64_t longest = 0;
    for (std::size_t i = 0; i + 1 < train_.offsets.size(); ++i)
      longest = std::max(longest, train_.offsets[i + 1] - train_.offsets[i]);
    const double mean =
        static_cast<double>(train_.ids.size()) / static_cast<double>(std::max<std::size_t>(1, train_.size()));
    train::expect_training_memory(model_, {.tokens = train::tokens_of_batch(options_.batch, mean),
                                           .sequence_length = static_cast<std::int64_t>(longest),
                                           .predictions = options_.batch,
                                           .outputs = model_.spec.heads.label_count()});
  }

  void check_fits() const {
    const auto& input = model_.spec.text();
    if (tokenizer_.vocabulary_size() > input.vocabulary)
      throw UserError(fmt::format("{}: the vocabulary has {} pieces, the model's embeddings {}",
                                  options_.model.string(), tokenizer_.vocabulary_size(), input.vocabulary),
                      "the tokenizer is not the model's");
    if (options_.sequence_length > input.positions)
      throw UserError(fmt::format("--seq-len {}: the model in {} holds positions for {} tokens",
                                  options_.sequence_length, options_.model.string(), input.positions),
                      fmt::format("pass --seq-len {} or less", input.positions));
  }

  static void set_jitter(arch::ModelSpec& spec, double jitter) {
    for (auto& block : spec.blocks)
      if (block.moe() != nullptr) block.moe()->router.jitter = jitter;
  }

  /// A model of the same task keeps its classifier: a second pass (2206.00277, section 4).
  bool goes_on(const std::vector<std::string>& labels) const {
    const auto& heads = model_.spec.heads;
    if (!heads.classifier || !heads.pooler || heads.labels != labels) return false;
    if (model_.fields.value("finetuning_task", "") != task_.name) return false;
    if (options_.note)
      options_.note(fmt::format("{}: was fine-tuned on {}, its classifier is kept", options_.model.string(),
                                task_.name));
    return true;
  }

  void prepare_model() {
    check_fits();
    train::drop_masked_words(model_);
    const bool regression = task_.kind == TaskKind::kRegression;
    const auto labels = regression ? std::vector<std::string>{"LABEL_0"} : task_.labels;
    if (!goes_on(labels)) train::reset_classifier(model_, labels, options_.seed);
    model_.spec.heads.problem_type =
        regression ? arch::ProblemType::kRegression : arch::ProblemType::kSingleLabel;
    training_ = model_.spec.training;
    for (const auto& block : model_.spec.blocks)
      if (block.moe() != nullptr) saved_jitter_ = block.moe()->router.jitter;
    set_jitter(model_.spec, options_.router_jitter);
    if (options_.dropout)
      model_.spec.training.hidden_dropout = model_.spec.training.attention_dropout = *options_.dropout;
    examples_hash_ = hash_of(train_);
  }

  void start_pruning() {
    if (options_.prune.schedule == PruneSchedule::kNone) return;
    auto rule = options_.prune;
    rule.steps = options_.steps;
    pruner_.emplace(model_, rule, options_.seed);
  }

  FinetuneOptions& options_;
  WordPiece tokenizer_;
  TaskSplit dev_split_, train_split_;  // dev first: what is held out of train becomes it
  Task task_;                          // with the labels of the training split
  EncodedExamples train_, dev_;
  ExampleBatches batches_;
  train::Transformer model_;         // its spec has the dropout and jitter of this run
  arch::TrainingSettings training_;  // of the saved model
  double saved_jitter_ = 0.0;
  std::string examples_hash_;
  std::optional<WindowPruner> pruner_;
  std::optional<TaskEvaluation> evaluation_;  // the last one
};

}  // namespace

FinetuneSummary finetune(FinetuneOptions& options) {
  if (options.task.source != TaskSource::kWordNet)
    for (const char* split : {"train", "dev"})
      if (split != std::string_view("dev") || options.hold_out == 0.0)
        find_split_file(options.task, options.data, split);
  TaskFinetuning objective(options);
  FinetuneSummary summary{run_training("finetune", objective, options), {}, 0};
  summary.eval = objective.eval_result();
  summary.parameters = objective.parameter_count();
  return summary;
}

}  // namespace espalier
