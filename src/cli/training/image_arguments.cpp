#include "cli/training/image_arguments.h"

#include <fmt/format.h>

#include <iostream>

#include "cli/engine/image_set_options.h"

namespace espalier {
namespace {

/// The training options with the defaults of images where nothing was said on the command line or in a config
/// file.
ImageTrainingOptions options_of(const std::string& model, const ImageArguments& arguments,
                                const TrainingOptions& training, const CLI::App& app) {
  ImageTrainingOptions options;
  const ImageTrainingOptions defaults;
  static_cast<TrainingOptions&>(options) = training;
  if (app.count("--balance-loss") == 0) options.balance_weight = defaults.balance_weight;
  if (app.count("--log-every") == 0) options.log_every = defaults.log_every;
  if (app.count("--steps") == 0) options.steps = 0;
  options.model = model;
  options.images = arguments.images;
  options.classes = arguments.classes;
  options.batch = arguments.batch;
  options.image_size = arguments.image_size;
  options.epochs = arguments.epochs;
  options.validation_images = arguments.validation_images;
  options.augmentation = Augmentation{.least_area = arguments.least_area};
  if (arguments.no_augmentation) options.augmentation.reset();
  return options;
}

}  // namespace

void add_image_options(CLI::App& app, ImageArguments& arguments) {
  add_image_set_options(app, arguments.images, arguments.classes);
  const auto positive = CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description("");
  app.add_option("--image-batch", arguments.batch, "images per step")->capture_default_str()->check(positive);
  app.add_option("--image-size", arguments.image_size,
                 "pixels along a side, instead of the model's; position embeddings are resized")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{16384}).description(""))
      ->type_name("N");
  app.add_option("--image-epochs", arguments.epochs, "over the training images; --steps wins")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--least-area", arguments.least_area, "random crops hold this share of the image or more")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 1.0));
  app.add_flag("--no-augmentation", arguments.no_augmentation, "whole images, not flipped");
  app.add_option("--validation-images", arguments.validation_images,
                 "of the test split, while training; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
}

void run_image_training(std::string_view verb, const std::string& model, const ImageArguments& arguments,
                        const TrainingOptions& training, const Terminal& terminal,
                        const GlobalOptions& global, const CLI::App& app) {
  ImageTrainingOptions options = options_of(model, arguments, training, app);
  const auto summary = train_on_images(verb, options);
  terminal.finish();
  print_summary(global, verb, options, summary);
  if (global.json) return;
  std::cout << fmt::format("{} parameters; {} test images: accuracy {:.2f}% (the largest class: {:.2f}%)\n",
                           grouped_text(static_cast<std::uint64_t>(summary.parameters)),
                           summary.eval.examples, 100 * summary.eval.metrics.at("accuracy"),
                           100 * summary.eval.baselines.at("largest_class").at("accuracy"));
}

}  // namespace espalier
