#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "pipeline/task_choice.h"
#include "pipeline/verb.h"
#include "prune/window_rule.h"
#include "train/finetune_text.h"
#include "training/training_choice.h"

namespace espalier::training {

/// An encoder on a task, a decoder on text (task "causal_lm"), or a vision model on images.
struct FinetuneOptions : TrainingChoice {
  FinetuneOptions();

  std::filesystem::path model;  ///< checkpoint folder
  pipeline::TaskChoice task;    ///< the data of causal_lm: text files, or train=FILE dev=FILE
  ImageTrainingChoice images;
  WindowRule prune{.schedule = PruneSchedule::kNone};  ///< steps and experts are filled in
  std::optional<double> epochs;                        ///< absent: 3 over a task, 1 over text
  std::optional<std::int64_t> batch;                   ///< absent: 32 examples, 16 rows of text
  std::optional<std::int64_t> sequence_length;         ///< absent: 128 of a task, 256 of text
  std::optional<std::int64_t> train_examples;          ///< of a task; absent: all
  double hold_out = 0.0;                               ///< share of a task's training rows
  double router_jitter = 0.0;
  TrainedPart part = TrainedPart::kAll;          ///< of a decoder
  std::optional<std::filesystem::path> teacher;  ///< that a decoder is to come close to
  double teacher_share = 1.0;                    ///< of the loss
  std::filesystem::path cache;                   ///< of the tokenized text; empty: OUT/corpus
};
void describe(options::OptionTable& table, FinetuneOptions& options);

/// Fine-tunes a model and prunes its experts on the way. Leaves a run folder (train/finetune.h). Throws
/// UserError for options that do not go together, Interrupted after Ctrl-C with the state saved.
RunSummary finetune(const FinetuneOptions& options, const pipeline::RunContext& context);

pipeline::Verb finetune_verb();

}  // namespace espalier::training
