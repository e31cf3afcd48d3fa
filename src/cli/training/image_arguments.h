#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/training/training_options.h"
#include "train/image_training.h"

namespace espalier {

/// What `pretrain` and `finetune` are told when they train on images, beside the options that all training
/// has.
struct ImageArguments {
  std::string images;  ///< empty: the run is about text
  std::vector<std::string> classes;
  std::int64_t batch = 128;
  std::optional<std::int64_t> image_size;
  double epochs = 10.0;
  double least_area = 0.25;
  bool no_augmentation = false;
  std::int64_t validation_images = 0;

  bool given() const { return !images.empty(); }
};

/// All of them; --batch and --epochs only where the verb has none.
void add_image_options(CLI::App& app, ImageArguments& arguments);

/// Trains and prints. `training` are the options that all training has, as the verb has read them.
void run_image_training(std::string_view verb, const std::string& model, const ImageArguments& arguments,
                        const TrainingOptions& training, const Terminal& terminal,
                        const GlobalOptions& global, const CLI::App& app);

}  // namespace espalier
