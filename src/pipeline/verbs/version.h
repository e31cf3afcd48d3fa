#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "pipeline/verb.h"

namespace espalier::pipeline {

struct VersionOptions {};
void describe(options::OptionTable& table, VersionOptions& options);

struct VersionSummary {
  std::string version, compiler;
  std::map<std::string, std::string> libraries;  ///< tensor libraries and their versions
};
nlohmann::ordered_json to_json(const VersionSummary& summary);
std::string to_text(const VersionSummary& summary);

VersionSummary version(const VersionOptions& options, const RunContext& context);

Verb version_verb();

}  // namespace espalier::pipeline
