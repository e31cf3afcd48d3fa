#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "prune/window_rule.h"
#include "train/training_options.h"

namespace espalier {

/// Which of a decoder's weights are trained.
enum class TrainedPart { kAll, kRouters };

/// Fine-tuning of a decoder on text (causal language modelling), with its experts pruned on the way
/// (2206.00277), or to recover what pruning took: from the text alone, or from a teacher.
struct TextFinetuneOptions : TrainingOptions {
  TextFinetuneOptions() {
    balance_weight = 0.0;
    learning_rate = 5e-5;
    warmup_share = 0.1;
    log_every = 20;
    steps = 0;
  }

  std::filesystem::path model;  ///< checkpoint folder with its tokenizer
  std::vector<std::filesystem::path> text;
  std::vector<std::filesystem::path> validation_text;
  std::filesystem::path cache;  ///< of the tokenized corpora; empty: `out`/corpus
  double epochs = 1.0;          ///< over the text, when `steps` is 0
  std::int64_t batch = 16;      ///< rows per step
  std::int64_t sequence_length = 256;
  std::int64_t validation_tokens = 100000;
  TrainedPart part = TrainedPart::kAll;
  /// A model of the same vocabulary, the full one for instance: the loss is then
  /// share * KL(teacher || model) + (1 - share) * cross entropy (Hinton et al. 2015, temperature 1).
  std::optional<std::filesystem::path> teacher;
  double teacher_share = 1.0;
  WindowRule prune{.schedule = PruneSchedule::kNone};  ///< steps and experts are filled in
};

struct TextFinetuneSummary : TrainingSummary {
  std::int64_t parameters = 0;  ///< of the final model
};

/// Runs or resumes a fine-tuning run in `out`: what training_loop.h leaves, `scores-NNN.json` and
/// `plan-NNN.json` for each window, and `model/`. `options.steps` 0: as many as `epochs` need, and they are
/// filled in. Throws UserError for a teacher of another vocabulary, and for pruning while only routers are
/// trained.
TextFinetuneSummary finetune_text(TextFinetuneOptions& options);

}  // namespace espalier
