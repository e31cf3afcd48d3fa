#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "data/causal_batches.h"
#include "text/tokenizer.h"
#include "train/objective.h"
#include "train/training_options.h"

namespace espalier {

/// What causal language modelling trains on.
struct CausalText {
  std::filesystem::path tokenizer;  ///< folder or file; its files are copied to the result
  std::vector<std::filesystem::path> text;
  std::vector<std::filesystem::path> validation_text;
  std::filesystem::path cache;  ///< of the tokenized corpora
  std::int64_t batch_tokens = 4096;
  std::int64_t sequence_length = 256;
  std::int64_t validation_tokens = 100000;
};

/// A decoder that learns to predict each next token of a text.
class CausalLanguageModelling : public Objective {
 public:
  /// Throws UserError where tokenizer, text and model do not fit together.
  CausalLanguageModelling(train::Transformer model, const CausalText& text, const TrainingOptions& options);

  void prepare() override;
  nlohmann::json resolved_options() const override;
  std::int64_t parameter_count() const override { return train::parameter_count(model_); }
  std::vector<OptimizedParameter> parameters() override;
  StepLoss loss(CorpusCursor& cursor, const train::ForwardOptions& options) override;
  void describe(MetricsLine& line, double mean_task_loss) const override;
  std::optional<double> validate(MetricsLine& line) override;
  void after_step() override;
  nlohmann::json state() const override;
  void restore(const nlohmann::json& state) override;
  void save_result(const std::filesystem::path& /*run_folder*/, const std::filesystem::path& folder) override;

 protected:
  /// What is minimised of a batch; [N, V] logits of its tokens.
  virtual torch::Tensor task_loss(const CausalBatch& batch, const torch::Tensor& logits,
                                  const train::ForwardOptions& options) const;
  std::uint64_t steps_of_an_epoch() const;

  train::Transformer model_;

 private:
  TokenCorpus corpus_of(const std::vector<std::filesystem::path>& files) const;
  double loss_of(const CausalBatch& batch) const;

  CausalText text_;
  const TrainingOptions& options_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string tokenizer_hash_;
  std::optional<TokenCorpus> corpus_, validation_corpus_;
  std::optional<CausalBatches> batches_, validation_batches_;
  std::map<std::int64_t, torch::Tensor> routed_;  // of the step: MoE layer -> [E] int64, where biases balance
};

}  // namespace espalier
