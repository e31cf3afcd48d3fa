#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/eval_result.h"
#include "data/images/augment.h"
#include "prune/window_rule.h"
#include "train/training_options.h"

namespace espalier {

/// Training of a vision transformer on labelled images: pre-training, fine-tuning on another task, and
/// fine-tuning after pruning are this with another start and other options. Defaults but for lengths are
/// ours.
struct ImageTrainingOptions : TrainingOptions {
  ImageTrainingOptions() {
    balance_weight = 0.005;  // of the sum of importance and load loss (Riquelme et al. 2021)
    log_every = 20;
  }

  /// config.json of a model to train from random weights, or the folder of a checkpoint to go on from.
  std::filesystem::path model;
  std::filesystem::path images;            ///< what `open_images` reads
  std::vector<std::string> classes;        ///< only these, numbered in this order; empty: all
  std::optional<std::int64_t> image_size;  ///< instead of the model's; position embeddings are resized
  double epochs = 10.0;                    ///< when `steps` is 0
  std::int64_t batch = 128;
  std::int64_t validation_images = 0;  ///< of the test split, each time; 0: all
  std::optional<Augmentation> augmentation = Augmentation{};
  WindowRule prune{.schedule = PruneSchedule::kNone};  ///< of `finetune`; steps and experts are filled in
};

struct ImageTrainingSummary : TrainingSummary {
  EvalResult eval;  ///< of the final model on the test split
  std::int64_t parameters = 0;
};

/// Runs or resumes a run in `out`: what training_loop.h leaves, `eval.json`, `model/`, and `scores-NNN.json`
/// and `plan-NNN.json` for each window where experts are dropped. A checkpoint whose
/// classes are those of the images keeps its classifier, another gets a new one. `options.steps` 0: as many
/// as `epochs` need, and they are filled in. Throws UserError for what `open_images` and `load_vmoe` refuse.
ImageTrainingSummary train_on_images(std::string_view verb, ImageTrainingOptions& options);

}  // namespace espalier
