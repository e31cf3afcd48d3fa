#include <fmt/format.h>

#include "cli/training.h"
#include "cli/training/training_verbs.h"
#include "nn/threads.h"

namespace espalier {
namespace {

const Verb kTrainingVerbs[] = {
    {"finetune", "fine-tune on a task, text or images, and prune experts on the way", add_finetune},
    {"pretrain", "train an encoder or a decoder on text, or a vision model on images", add_pretrain},
};

}  // namespace

std::span<const Verb> training_verbs() {
  return kTrainingVerbs;
}

void check_trains(std::string_view /*verb*/) {}

void start_threads(int threads) {
  configure_engine(threads);
}

std::map<std::string, std::string> tensor_libraries() {
  auto libraries = library_versions();
  libraries.erase("espalier");
  return libraries;
}

}  // namespace espalier
