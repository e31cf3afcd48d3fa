#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "options/option_table.h"
#include "pipeline/run_context.h"
#include "pipeline/shared_options.h"
#include "train/image_training.h"
#include "train/starting_model.h"
#include "train/training_options.h"

namespace espalier::training {

/// Turning blocks of a dense checkpoint into MoE layers before training.
struct UpcycleChoice {
  std::optional<std::int64_t> experts;
  std::vector<std::int64_t> moe_layers;
  std::optional<double> router_logits, redraw, noise;  ///< absent: those of UpcycleRequest

  /// Throws UserError for one of the first two without the other, and for the others without them.
  std::optional<UpcycleRequest> request() const;
};

/// What every training run is told, as a verb's options. Absent values depend on what is trained.
struct TrainingChoice {
  TrainingOptions training;  ///< with the verb's defaults; sinks, seed and command are the context's
  std::optional<std::int64_t> steps, log_every;
  std::optional<double> balance_weight;
  UpcycleChoice upcycle;

  /// With the values that were given, and of the context.
  TrainingOptions resolved(const pipeline::RunContext& context) const;
};
/// --out, --steps, the optimizer's and the log's options, --upcycle, --resume, --overwrite, --backend.
void describe_training(options::OptionTable& table, TrainingChoice& choice);

/// What `pretrain` and `finetune` are told when they train on images, beside the options that all training
/// has.
struct ImageTrainingChoice : pipeline::ImageChoice {
  std::int64_t batch = 128;
  std::optional<std::int64_t> image_size;
  double epochs = 10.0;
  double least_area = 0.25;
  bool no_augmentation = false;
  std::int64_t validation_images = 0;
};
void describe_image_training(options::OptionTable& table, ImageTrainingChoice& choice);

/// What a run came to, whatever it trained on.
struct RunSummary {
  std::string verb;
  std::filesystem::path run;  ///< folder
  TrainingSummary training;
  std::optional<std::int64_t> parameters;  ///< of the final model
  std::optional<EvalResult> eval;          ///< of the final model
  std::vector<std::string> primary;        ///< metrics of it that are told first
};
/// "format": "espalier.VERB/1".
nlohmann::ordered_json to_json(const RunSummary& summary);
std::string to_text(const RunSummary& summary);

/// Trains a vision model. Steps, balance loss and log lines that were not given are those of images.
RunSummary train_images(const std::string& verb, const std::filesystem::path& model,
                        const ImageTrainingChoice& choice, const TrainingChoice& training,
                        const pipeline::RunContext& context,
                        const WindowRule& prune = {.schedule = PruneSchedule::kNone});

}  // namespace espalier::training
