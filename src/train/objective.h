#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/metrics.h"
#include "data/epoch_order.h"
#include "train/adamw.h"
#include "train/forward.h"
#include "train/window_pruner.h"

namespace espalier {

struct StepLoss {
  torch::Tensor task;       // scalar: mean over the batch, nats or squared error
  torch::Tensor balance;    // scalar, summed over the MoE layers; undefined without any
  std::int64_t tokens = 0;  ///< real tokens of the batch
};

/// What is trained and on what. The run's folder, the loop, its log, and resuming are training_loop.h's.
class Objective {
 public:
  virtual ~Objective() = default;

  /// Reads data; called once, after the run's folder exists.
  virtual void prepare() = 0;
  /// Every option that decides the run's numbers beside TrainingOptions; valid after `prepare`.
  virtual nlohmann::json resolved_options() const = 0;

  /// Elements of the whole model, trained or not, as it is now.
  virtual std::int64_t parameter_count() const = 0;
  /// The model's parameters that are trained, with fresh moments; requires_grad is set.
  virtual std::vector<OptimizedParameter> parameters() = 0;
  /// Forward pass of the batch at `cursor`, which moves on.
  virtual StepLoss loss(CorpusCursor& cursor, const train::ForwardOptions& options) = 0;

  /// Adds the step's mean task loss, and what else the objective knows, to a line of metrics.jsonl.
  virtual void describe(MetricsLine& line, double mean_task_loss) const = 0;
  /// Measures on held-out data into the line; the loss. Nothing when there is no such data.
  virtual std::optional<double> validate(MetricsLine& line) = 0;

  /// Who prunes the model while it trains: the loop shows it each step, and lets it end its windows. Null:
  /// nobody.
  virtual WindowPruner* pruner() { return nullptr; }
  /// Called after each step was logged.
  virtual void after_step() {}

  /// What a resumed run must get back before its tensors are read, beside the loop's own progress.
  virtual nlohmann::json state() const { return nlohmann::json::object(); }
  virtual void restore(const nlohmann::json& /*state*/) {}

  /// Writes the trained model and its tokenizer into `model`, which becomes the run's model/ when complete,
  /// and what else there is to say into the run's folder.
  virtual void save_result(const std::filesystem::path& run_folder, const std::filesystem::path& model) = 0;
};

}  // namespace espalier
