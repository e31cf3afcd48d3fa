#include "cli/engine.h"

namespace espalier {

std::span<const Verb> engine_verbs() {
  return {};
}

void set_engine_threads(int /*n*/) {}

std::string engine_libraries() {
  return "none";
}

}  // namespace espalier
