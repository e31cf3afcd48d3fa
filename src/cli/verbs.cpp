#include "cli/verbs.h"

#include <algorithm>
#include <vector>

#include "cli/training.h"

namespace espalier {
namespace {

std::vector<pipeline::Verb> all_verbs() {
  const auto core = pipeline::verbs(), training = training_verbs();
  std::vector<pipeline::Verb> all(core.begin(), core.end());
  for (const pipeline::Verb& verb : training) {
    const auto same = std::ranges::find(all, verb.name, &pipeline::Verb::name);
    if (same == all.end())
      all.push_back(verb);
    else if (verb.call)
      *same = verb;
  }
  std::ranges::stable_sort(all, {}, &pipeline::Verb::place);
  return all;
}

}  // namespace

std::span<const pipeline::Verb> verbs() {
  static const std::vector<pipeline::Verb> all = all_verbs();
  return all;
}

}  // namespace espalier
