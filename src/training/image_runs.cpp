#include <fmt/format.h>

#include "training/training_choice.h"

namespace espalier::training {
namespace {

ImageTrainingOptions image_options(const std::filesystem::path& model, const ImageTrainingChoice& choice,
                                   const TrainingChoice& training, const pipeline::RunContext& context) {
  ImageTrainingOptions options;
  const ImageTrainingOptions defaults;
  static_cast<TrainingOptions&>(options) = training.resolved(context);
  options.balance_weight = training.balance_weight.value_or(defaults.balance_weight);
  options.log_every = training.log_every.value_or(defaults.log_every);
  options.steps = training.steps.value_or(0);
  options.model = model;
  options.images = choice.images;
  options.classes = choice.classes;
  options.batch = choice.batch;
  options.image_size = choice.image_size;
  options.epochs = choice.epochs;
  options.validation_images = choice.validation_images;
  options.augmentation = Augmentation{.least_area = choice.least_area};
  if (choice.no_augmentation) options.augmentation.reset();
  return options;
}

}  // namespace

void describe_image_training(options::OptionTable& table, ImageTrainingChoice& choice) {
  pipeline::describe_images(table, choice);
  table.add("image-batch", choice.batch, "N", "images per step").at_least(1);
  table
      .add("image-size", choice.image_size, "N",
           "pixels along a side, instead of the model's; position embeddings are resized")
      .between(1, 16384);
  table.add("image-epochs", choice.epochs, "N", "over the training images; --steps wins").above(0);
  table.add("least-area", choice.least_area, "SHARE", "random crops hold this share of the image or more")
      .between(0.01, 1);
  table.flag("no-augmentation", choice.no_augmentation, "whole images, not flipped");
  table.add("validation-images", choice.validation_images, "N", "of the test split, while training; 0: all")
      .at_least(0);
}

RunSummary train_images(const std::string& verb, const std::filesystem::path& model,
                        const ImageTrainingChoice& choice, const TrainingChoice& training,
                        const pipeline::RunContext& context, const WindowRule& prune) {
  ImageTrainingOptions options = image_options(model, choice, training, context);
  options.prune = prune;
  const ImageTrainingSummary summary = train_on_images(verb, options);
  return {verb, options.out, summary, summary.parameters, summary.eval, {"accuracy"}};
}

}  // namespace espalier::training
