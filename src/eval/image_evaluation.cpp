#include "eval/image_evaluation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/stopwatch.h"
#include "data/images/image_batches.h"

namespace espalier {

ImageEvaluation evaluate_images(const VmoeModel& model, const ImageSet& set, std::int64_t batch,
                                Backend backend, const ProgressSink& progress) {
  if (set.labels != model.config.labels)
    throw UserError(fmt::format("{}: the classes are {}, the model's are {}", set.source,
                                fmt::join(set.labels, ", "), fmt::join(model.config.labels, ", ")),
                    "name the classes that the model was trained on, in that order, with --classes");
  const torch::NoGradGuard no_grad;
  ImageBatches batches(
      set, {.batch_size = batch, .image_size = model.config.image_size, .order = ImageOrder::kFile});
  ImageEvaluation result;
  double loss = 0.0, seconds = 0.0;
  std::int64_t right = 0;
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    auto images = batches.next(cursor);
    const auto B = images.images(), S = images.size;
    const auto pixels = torch::from_blob(images.pixels.data(), {B, S, S, 3}, torch::kFloat32);
    const auto labels = torch::tensor(images.labels, torch::kInt64);
    const Stopwatch watch;
    const auto output = forward(model, pixels, {.backend = backend});
    const auto scores = ensemble_log_probabilities(output.scores, output.scores.size(0) / B);
    seconds += watch.seconds();
    loss += torch::nll_loss(scores, labels, {}, at::Reduction::Sum).item<double>();
    const auto best = scores.argmax(1).contiguous();
    right += (best == labels).sum().item<std::int64_t>();
    result.predictions.insert(result.predictions.end(), best.data_ptr<std::int64_t>(),
                              best.data_ptr<std::int64_t>() + B);
    if (interrupt_requested()) throw Interrupted("stopped while evaluating");
    if (progress) progress({"evaluating", result.predictions.size(), set.size(), "images"});
  }
  const auto count = static_cast<double>(set.size());
  result.loss = loss / count;
  result.accuracy = static_cast<double>(right) / count;
  result.images_per_second = seconds > 0 ? count / seconds : 0.0;
  return result;
}

}  // namespace espalier
