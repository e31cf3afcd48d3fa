#include "eval/image_evaluation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/stopwatch.h"
#include "data/images/image_batches.h"

namespace espalier {

ImageEvaluation evaluate_images(const infer::VisionModel& model, const ImageSet& set, std::int64_t batch,
                                const ProgressSink& progress) {
  if (set.labels != model.spec.heads.labels)
    throw UserError(fmt::format("{}: the classes are {}, the model's are {}", set.source,
                                fmt::join(set.labels, ", "), fmt::join(model.spec.heads.labels, ", ")),
                    "name the classes that the model was trained on, in that order, with --classes");
  ImageBatches batches(
      set, {.batch_size = batch, .image_size = model.spec.image().image_size, .order = ImageOrder::kFile});
  ImageEvaluation result;
  double loss = 0.0, seconds = 0.0;
  std::int64_t right = 0;
  const auto labels = static_cast<std::int64_t>(model.spec.heads.labels.size());
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    auto images = batches.next(cursor);
    const auto B = images.images();
    const Stopwatch watch;
    const auto scores = classify_images(model, B, images.pixels.data());
    const auto classes = infer::ensemble_log_probabilities(scores, scores.size() / (B * labels), labels);
    seconds += watch.seconds();
    for (std::int64_t b = 0; b < B; ++b) {
      const float* row = classes.data() + b * labels;
      const auto label = images.labels[static_cast<std::size_t>(b)];
      const auto best = std::max_element(row, row + labels) - row;
      loss -= static_cast<double>(row[label]);
      right += best == label ? 1 : 0;
      result.predictions.push_back(best);
    }
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
