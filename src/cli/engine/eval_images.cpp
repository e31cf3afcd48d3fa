#include <fmt/format.h>

#include <iostream>

#include "artifacts/eval_result.h"
#include "base/error.h"
#include "cli/engine/eval_arguments.h"
#include "cli/terminal.h"
#include "data/images/image_set.h"
#include "eval/image_evaluation.h"

namespace espalier {
namespace {

constexpr std::int64_t kBatch = 256;

}  // namespace

void eval_images(const EvalArguments& arguments, const GlobalOptions& global) {
  if (arguments.images.empty())
    throw UserError(fmt::format("{}: a vision model is evaluated on images", arguments.model),
                    "name them with --images DIR");
  const infer::VisionModel model = infer::load_vision(Checkpoint::open(arguments.model));
  const std::string split = arguments.split.value_or("test");
  ImageSet set = open_images(arguments.images, split);
  if (!arguments.classes.empty()) set = only_classes(set, arguments.classes);
  const Terminal terminal(global);
  const auto evaluation = evaluate_images(model, set, kBatch, terminal.progress());
  terminal.finish();
  const EvalResult result{"images",
                          split,
                          static_cast<std::int64_t>(set.size()),
                          {{"accuracy", evaluation.accuracy}, {"loss", evaluation.loss}},
                          {},
                          {}};
  if (!arguments.out.empty()) write_eval_result(arguments.out, result);
  if (global.json) {
    std::cout << eval_result_to_json(result);
    return;
  }
  std::cout << fmt::format("{}: {} {} images: accuracy {:.2f}%, loss {:.4f}; {:.0f} images/s\n",
                           arguments.model, result.examples, split, 100 * evaluation.accuracy,
                           evaluation.loss, evaluation.images_per_second);
}

}  // namespace espalier
