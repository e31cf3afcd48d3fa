#include "cli/training.h"

#include <sstream>
#include <vector>

#include "infer/threads.h"

namespace espalier {

std::span<const pipeline::Verb> training_verbs() {
  static const std::vector<pipeline::Verb> missing = [] {
    std::vector<pipeline::Verb> rows;
    std::istringstream names(ESPALIER_TRAINING_VERBS);  // of the files in src/training/verbs/
    for (std::string name; names >> name;) rows.push_back({name, "(in the full build only)", {}, 1000});
    return rows;
  }();
  return missing;
}

void start_threads(int threads) {
  infer::configure_threads(threads);
}

std::map<std::string, std::string> tensor_libraries() {
  return {};
}

}  // namespace espalier
