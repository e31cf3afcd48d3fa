#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "artifacts/eval_result.h"
#include "data/task_files.h"
#include "prune/window_rule.h"
#include "train/starting_model.h"
#include "train/training_options.h"

namespace espalier {

/// Fine-tuning of a BERT-shaped encoder on a task, with its experts pruned on the way (2206.00277).
/// Defaults are the fine-tuning's: no balance loss, no jitter, the paper's optimizer.
struct FinetuneOptions : TrainingOptions {
  FinetuneOptions() {
    balance_weight = 0.0;
    learning_rate = 5e-5;
    warmup_share = 0.1;
    log_every = 20;
  }

  std::filesystem::path model;            ///< checkpoint folder with vocab.txt
  std::optional<UpcycleRequest> upcycle;  ///< of a dense checkpoint
  Task task;
  TaskFiles data;
  double epochs = 3.0;                         ///< over the training examples, when `steps` is 0
  std::int64_t batch = 32;                     ///< examples per step
  std::optional<std::int64_t> train_examples;  ///< of the training rows, always the same; absent: all
  double hold_out = 0.0;               ///< share of the training rows that stands in dev's place; 0: dev
  std::int64_t sequence_length = 128;  ///< longest, special pieces included; longer texts are cut
  double router_jitter = 0.0;
  WindowRule prune{.schedule = PruneSchedule::kNone};  ///< steps and experts are filled in
};

struct FinetuneSummary : TrainingSummary {
  EvalResult eval;              ///< of the final model on the dev split
  std::int64_t parameters = 0;  ///< of the final model
};

/// Runs or resumes a fine-tuning run in `out`: what training_loop.h leaves, `scores-NNN.json` and
/// `plan-NNN.json` for each window, `eval.json` (the last step's model on dev) and `model/`.
/// `options.steps` 0: as many as `epochs` need, and they are filled in, as are the table task's labels.
FinetuneSummary finetune(FinetuneOptions& options);

}  // namespace espalier
