#include "cli/training.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include "infer/threads.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// What both programs have, and the one that trains has more of.
const std::set<std::string_view> kFuller = {"sweep", "doctor", "version"};

/// Whether this program has all that the words ask for.
bool can_do(std::span<char* const> words) {
  if (std::ranges::any_of(words, [](std::string_view word) { return word.starts_with("--config"); }))
    return false;
  for (const std::string_view word : words) {
    const auto same = [&](const pipeline::Verb& verb) {
      return verb.name.substr(0, verb.name.find(' ')) == word;
    };
    if (std::ranges::any_of(pipeline::verbs(), same)) return !kFuller.contains(word);
    if (std::ranges::any_of(training_verbs(), same)) return false;
  }
  return false;  // help, or a verb that is misspelt
}

}  // namespace

std::span<const pipeline::Verb> training_verbs() {
  static const std::vector<pipeline::Verb> missing = [] {
    std::vector<pipeline::Verb> rows;
    std::istringstream names(ESPALIER_TRAINING_VERBS);  // of the files in src/training/verbs/
    for (std::string name; names >> name;) rows.push_back({name, "(in the full build only)", {}, 1000});
    return rows;
  }();
  return missing;
}

void hand_over_to_training(int argc, char** argv) {
  std::error_code none;
  const fs::path trainer = fs::read_symlink("/proc/self/exe", none).replace_filename("espalier-train");
  if (none || argc < 1 || ::access(trainer.c_str(), X_OK) != 0 || can_do(std::span(argv + 1, argv + argc)))
    return;
  ::execv(trainer.c_str(),
          argv);  // comes back only where it cannot run: then this program says what it lacks
}

void start_threads(int threads) {
  infer::configure_threads(threads);
}

std::map<std::string, std::string> tensor_libraries() {
  return {};
}

}  // namespace espalier
