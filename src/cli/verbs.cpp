#include "cli/verbs.h"

#include <vector>

#include "cli/engine.h"

namespace espalier {
namespace {

constexpr Verb kCoreVerbs[] = {
    {"inspect", "print a checkpoint's family, sizes, experts, and what pruning would save", add_inspect},
    {"score", "compute one number for each expert, from observations or weights", add_score},
    {"plan", "decide which experts stay, from scores or a keep-list", add_plan},
    {"explain", "print what a plan drops and why, as text, JSON or a page", add_explain},
    {"check", "say whether a plan fits a model, what it would save, and who could not load the result",
     add_check},
    {"apply", "write a smaller checkpoint by a plan, files to files", add_apply},
    {"verify", "prove that a checkpoint is another one after a plan, byte for byte", add_verify},
    {"prune", "observe, score, plan, apply and verify in one, leaving every file behind", add_prune},
    {"report", "draw one or several runs as one HTML page", add_report},
    {"version", "print the version and what the program is built from", add_version},
};

std::vector<Verb> all_verbs() {
  std::vector<Verb> all(std::begin(kCoreVerbs), std::end(kCoreVerbs));
  const std::span<const Verb> engine = engine_verbs();
  all.insert(all.end(), engine.begin(), engine.end());
  return all;
}

}  // namespace

std::span<const Verb> verbs() {
  static const std::vector<Verb> all = all_verbs();
  return all;
}

}  // namespace espalier
