#include "cli/verbs.h"

#include <vector>

#include "cli/command_line.h"
#include "cli/engine/engine_verbs.h"
#include "cli/training.h"

namespace espalier {
namespace {

std::vector<Verb> all_verbs() {
  std::vector<Verb> all;
  for (const pipeline::Verb& verb : pipeline::verbs())
    all.push_back({verb.name, verb.line,
                   [&verb](CLI::App& app, const GlobalOptions& global) { declare_verb(app, global, verb); }});
  all.push_back(
      {"prune", "observe, score, plan, apply and verify in one, leaving every file behind", add_prune});
  for (const std::span<const Verb> more : {engine_verbs(), training_verbs()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

std::span<const Verb> verbs() {
  static const std::vector<Verb> all = all_verbs();
  return all;
}

}  // namespace espalier
