#include "cli/training.h"

#include "train/ops/threads.h"
#include "training/verbs.h"

namespace espalier {

std::span<const pipeline::Verb> training_verbs() {
  return training::verbs();
}

void hand_over_to_training(int /*argc*/, char** /*argv*/) {}

void start_threads(int threads) {
  configure_engine(threads);
}

std::map<std::string, std::string> tensor_libraries() {
  auto libraries = library_versions();
  libraries.erase("espalier");
  return libraries;
}

}  // namespace espalier
