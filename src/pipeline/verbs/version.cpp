#include "pipeline/verbs/version.h"

#include <fmt/format.h>

#include "pipeline/make_verb.h"

namespace espalier::pipeline {
namespace {

/// "onednn 2.7.2, torch 1.13.0", or "none".
std::string names_of(const std::map<std::string, std::string>& libraries) {
  std::string text;
  for (const auto& [library, version] : libraries)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", library, version);
  return text.empty() ? "none" : text;
}

}  // namespace

void describe(options::OptionTable& /*table*/, VersionOptions& /*options*/) {}

VersionSummary version(const VersionOptions& /*options*/, const RunContext& context) {
  return {ESPALIER_VERSION, __VERSION__, context.libraries};
}

nlohmann::ordered_json to_json(const VersionSummary& summary) {
  return {{"format", "espalier.version/1"},
          {"version", summary.version},
          {"compiler", summary.compiler},
          {"tensor_libraries", names_of(summary.libraries)}};
}

std::string to_text(const VersionSummary& summary) {
  return fmt::format("espalier {}\ncompiler: {}\ntensor libraries: {}\n", summary.version, summary.compiler,
                     names_of(summary.libraries));
}

Verb version_verb() {
  return make_verb({"version", "print the version and what the program is built from",
                    "Example:\n  espalier version --json", 280},
                   version);
}

}  // namespace espalier::pipeline
