#include <fmt/format.h>

#include "base/error.h"
#include "eval/image_evaluation.h"
#include "pipeline/evaluations.h"

namespace espalier::pipeline {

EvalSummary eval_images(const EvalOptions& options, const RunContext& context) {
  constexpr std::int64_t kBatch = 256;
  if (!options.images.given())
    throw UserError(fmt::format("{}: a vision model is evaluated on images", options.model.string()),
                    "name them with --images DIR");
  const infer::VisionModel model = infer::load_vision(Checkpoint::open(options.model));
  const std::string split = options.split.value_or("test");
  const ImageSet set = open_chosen_images(options.images, split);
  const auto evaluation = evaluate_images(model, set, kBatch, context.progress);
  EvalResult result{"images",
                    split,
                    static_cast<std::int64_t>(set.size()),
                    {{"accuracy", evaluation.accuracy}, {"loss", evaluation.loss}},
                    {},
                    {}};
  const std::string text = fmt::format(
      "{}: {} {} images: accuracy {:.2f}%, loss {:.4f}; {:.0f} images/s\n", options.model.string(),
      result.examples, split, 100 * evaluation.accuracy, evaluation.loss, evaluation.images_per_second);
  return {options.model, std::move(result), text, {}};
}

}  // namespace espalier::pipeline
