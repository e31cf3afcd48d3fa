#include <fmt/format.h>

#include "cli/engine.h"
#include "nn/threads.h"

namespace espalier {

// A table like kCoreVerbs in ../verbs.cpp: {"pretrain", "...", add_pretrain}.
std::span<const Verb> engine_verbs() {
  return {};
}

void start_engine(int threads) {
  configure_engine(threads);
}

std::string engine_libraries() {
  std::string text;
  for (const auto& [library, version] : library_versions()) {
    if (library == "espalier") continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", library, version);
  }
  return text;
}

}  // namespace espalier
