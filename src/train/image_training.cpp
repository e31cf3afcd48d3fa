#include "train/image_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/family.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "data/images/image_batches.h"
#include "eval/image_evaluation.h"
#include "train/checkpoint.h"
#include "train/inference.h"
#include "train/objective.h"
#include "train/training_loop.h"
#include "train/training_memory.h"
#include "train/weights_hash.h"
#include "train/window_pruner.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEvaluationBatch = 256;

ImageSet read_split(const ImageTrainingOptions& options, std::string_view split) {
  if (fs::is_regular_file(options.images))
    throw UserError(
        fmt::format("--images {}: one file has no test split", options.images.string()),
        "name a folder: data_batch_1.bin (or .gz, .zst) in it is trained on, test_batch.bin tested on");
  ImageSet set = open_images(options.images, split);
  return options.classes.empty() ? set : only_classes(set, options.classes);
}

/// The images as the run sees them: others, or others' labels, give another hash.
std::string hash_of(const ImageSet& set) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(set.classes)));
  hash.update(std::as_bytes(std::span(set.pixels)));
  for (const fs::path& file : set.files) {
    const std::string entry = fmt::format("{}/{} {}\n", file.parent_path().filename().string(),
                                          file.filename().string(), fs::file_size(file));
    hash.update(std::as_bytes(std::span(entry)));
  }
  return hash.hex();
}

class ImageClassification : public Objective {
 public:
  explicit ImageClassification(ImageTrainingOptions& options)
      : options_(options),
        train_(read_split(options, "train")),
        model_(starting_model()),
        batches_(train_, {.batch_size = options.batch,
                          .image_size = model_.spec.image().image_size,
                          .augmentation = options.augmentation,
                          .seed = options.seed}) {
    if (options.steps == 0)
      options.steps =
          std::llround(std::ceil(options.epochs * static_cast<double>(batches_.steps_per_epoch())));
    const auto images = train::tokens_of_batch(options.batch, static_cast<double>(model_.spec.members));
    const auto positions = static_cast<double>(model_.spec.positions());
    train::expect_training_memory(model_, {.tokens = train::tokens_of_batch(images, positions),
                                           .sequence_length = model_.spec.positions(),
                                           .predictions = images,
                                           .outputs = model_.spec.heads.label_count()});
    dropout_ = model_.spec.training.hidden_dropout;
    if (options.dropout) model_.spec.training.hidden_dropout = *options.dropout;
    if (options.prune.schedule == PruneSchedule::kNone) return;
    auto rule = options.prune;
    rule.steps = options.steps;
    pruner_.emplace(model_, rule, options.seed);
  }

  void prepare() override {
    test_ = read_split(options_, "test");
    some_of_test_ = test_;
    const auto limit = static_cast<std::size_t>(options_.validation_images);
    if (limit == 0 || limit >= test_.size()) return;
    // Every so many-th, so that all classes are there.
    ImageSet some{test_.source, test_.labels, {}, {}, test_.height, test_.width, test_.channels, {}};
    const auto bytes = static_cast<std::size_t>(test_.height * test_.width * test_.channels);
    for (std::size_t i = 0; i < limit; ++i) {
      const auto at = i * test_.size() / limit;
      some.classes.push_back(test_.classes[at]);
      if (!test_.files.empty()) some.files.push_back(test_.files[at]);
      const auto begin = test_.pixels.begin() + static_cast<std::ptrdiff_t>(at * bytes);
      if (test_.files.empty())
        some.pixels.insert(some.pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(bytes));
    }
    some_of_test_ = std::move(some);
  }

  nlohmann::json resolved_options() const override {
    nlohmann::json resolved{
        {"config", start_config_},
        {"model", options_.model.string()},
        {"images", options_.images.string()},
        {"classes", train_.labels},
        {"images_sha256", images_hash_},
        {"training_images", train_.size()},
        {"batch", options_.batch},
        {"least_area", options_.augmentation ? nlohmann::json(options_.augmentation->least_area)
                                             : nlohmann::json(nullptr)}};
    if (!weights_hash_.empty()) resolved["starting_weights_sha256"] = weights_hash_;
    if (pruner_) resolved.update(resolved_options_of(options_.prune));
    return resolved;
  }

  std::int64_t parameter_count() const override { return train::parameter_count(model_); }

  std::vector<OptimizedParameter> parameters() override { return optimized_parameters(model_); }

  StepLoss loss(CorpusCursor& cursor, const train::ForwardOptions& options) override {
    batch_ = batches_.next(cursor);
    const auto B = batch_.images(), S = batch_.size;
    const auto pixels = torch::from_blob(batch_.pixels.data(), {B, S, S, 3}, torch::kFloat32);
    const auto output = train::encode_images(model_, pixels, options);
    const auto scores = train::classify_images(model_, output.hidden, options);
    // Each member of an ensemble learns by itself.
    const auto labels = torch::tensor(batch_.labels, torch::kInt64).repeat({scores.size(0) / B});
    return {ops(options.backend).cross_entropy(scores, labels), output.balance_loss,
            B * model_.spec.positions()};
  }

  void describe(MetricsLine& line, double mean_task_loss) const override { line.task_loss = mean_task_loss; }

  WindowPruner* pruner() override { return pruner_ ? &*pruner_ : nullptr; }

  std::optional<double> validate(MetricsLine& line) override {
    const auto evaluation = evaluate_images(train::vision_of(model_), some_of_test_, kEvaluationBatch);
    line.valid_metrics = {{"accuracy", evaluation.accuracy}};
    return evaluation.loss;
  }

  void save_result(const fs::path& run_folder, const fs::path& folder) override {
    const auto evaluation = evaluate_images(train::vision_of(model_), test_, kEvaluationBatch);
    result_ = {"images",
               "test",
               static_cast<std::int64_t>(test_.size()),
               {{"accuracy", evaluation.accuracy}, {"loss", evaluation.loss}}};
    std::vector<double> counts(test_.labels.size());
    for (const auto label : test_.classes) ++counts[static_cast<std::size_t>(label)];
    result_.baselines["largest_class"] = {
        {"accuracy", *std::max_element(counts.begin(), counts.end()) / static_cast<double>(test_.size())}};
    write_eval_result(run_folder / "eval.json", result_);
    auto saved = model_;
    saved.spec.training.hidden_dropout = dropout_;
    train::save(saved, folder, options_.model_dtype);
  }

  const EvalResult& eval_result() const { return result_; }

 private:
  train::Transformer new_model() const {
    auto fields = read_json(options_.model);
    auto spec = arch::read_spec(fields, options_.model.string());
    if (!std::holds_alternative<arch::ImageInput>(spec.input)) refuse(spec);
    spec.heads.labels = train_.labels;
    fields = arch::write_spec(spec, fields);
    if (options_.image_size) fields["image_size"] = *options_.image_size;
    return train::initialize(fields, options_.model.string(), options_.seed);
  }

  train::Transformer starting_model() {
    images_hash_ = hash_of(train_);
    const bool is_checkpoint = fs::is_directory(options_.model);
    if (is_checkpoint) weights_hash_ = weights_hash(Checkpoint::open(options_.model));
    auto model = is_checkpoint ? train::load(Checkpoint::open(options_.model)) : new_model();
    if (!std::holds_alternative<arch::ImageInput>(model.spec.input)) refuse(model.spec);
    if (is_checkpoint && options_.image_size) train::set_image_size(model, *options_.image_size);
    start_config_ = arch::write_spec(model.spec, model.fields);
    if (model.spec.heads.labels == train_.labels) return model;
    if (options_.note)
      options_.note(fmt::format("the model knows {} other classes: it gets a new classifier for the {} of {}",
                                model.spec.heads.labels.size(), train_.labels.size(), train_.source));
    train::reset_classifier(model, train_.labels, options_.seed);
    return model;
  }

  [[noreturn]] void refuse(const arch::ModelSpec& spec) const {
    throw UserError(fmt::format("{}: {} models take no images", options_.model.string(), spec.family),
                    "name a vision model, or text to train on");
  }

  ImageTrainingOptions& options_;
  ImageSet train_, test_, some_of_test_;
  nlohmann::json start_config_;
  std::string images_hash_, weights_hash_;
  train::Transformer model_;  // its spec has the dropout of this run
  double dropout_ = 0.0;
  ImageBatch batch_;  // the pixels of the step's batch, which tensors look at
  ImageBatches batches_;
  EvalResult result_;
  std::optional<WindowPruner> pruner_;
};

}  // namespace

ImageTrainingSummary train_on_images(std::string_view verb, ImageTrainingOptions& options) {
  ImageClassification objective(options);
  ImageTrainingSummary summary{run_training(verb, objective, options), {}, 0};
  summary.eval = objective.eval_result();
  summary.parameters = objective.parameter_count();
  return summary;
}

}  // namespace espalier
