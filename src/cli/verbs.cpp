#include "cli/verbs.h"

#include <vector>

#include "cli/engine.h"

namespace espalier {
namespace {

constexpr Verb kCoreVerbs[] = {
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
