#include "cli/engine.h"

namespace espalier {

std::span<const Verb> engine_verbs() {
  return {};
}

void start_engine(int /*threads*/) {}

std::string engine_libraries() {
  return "none";
}

}  // namespace espalier
