#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/encoded_examples.h"
#include "text/wordpiece.h"
#include "train/finetune.h"
#include "train/objective.h"

namespace espalier {

/// What fine-tuning an encoder is, whatever it learns: the model with a head, pruned on the way, and saved.
class EncoderFinetuning : public Objective {
 public:
  std::int64_t parameter_count() const override { return train::parameter_count(model_); }
  std::vector<OptimizedParameter> parameters() override { return optimized_parameters(model_); }
  void describe(MetricsLine& line, double mean_task_loss) const override { line.task_loss = mean_task_loss; }
  WindowPruner* pruner() override { return pruner_ ? &*pruner_ : nullptr; }
  nlohmann::json resolved_options() const override;
  void save_result(const std::filesystem::path& run_folder, const std::filesystem::path& model) override;

  /// Of the last step's model.
  virtual EvalResult eval_result() = 0;

 protected:
  explicit EncoderFinetuning(FinetuneOptions& options);

  /// The head that the task wants; `saved_as` is its name in Hugging Face's architectures.
  struct Head {
    std::string task, saved_as;
    std::vector<std::string> labels;
    bool pooler = true;
    std::optional<arch::ProblemType> problem_type;
  };
  /// Reads the model, gives it the head and what this run asks of it, and counts the steps over the examples.
  /// A model of the same task keeps its head: a second pass (2206.00277, section 4). Throws UserError where
  /// the memory is too small.
  void start(Head head, const EncodedExamples& examples);
  /// Before what is saved of the model.
  virtual void describe_saved(nlohmann::json& /*config*/) {}

  FinetuneOptions& options_;
  WordPiece tokenizer_;
  train::Transformer model_;  // its spec has the dropout and jitter of this run

 private:
  void check_fits() const;
  bool keeps_head() const;
  void prepare_model();
  void expect_memory_for_steps(const EncodedExamples& examples) const;
  void start_pruning();

  Head head_;
  arch::TrainingSettings training_;  // of the saved model
  double saved_jitter_ = 0.0;
  std::optional<WindowPruner> pruner_;
};

/// Runs or resumes it in `options.out`.
FinetuneSummary run_finetuning(EncoderFinetuning& objective, FinetuneOptions& options);

}  // namespace espalier
