#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "arch/inspect.h"
#include "pipeline/verb.h"

namespace espalier::pipeline {

struct InspectOptions {
  std::filesystem::path model;  ///< checkpoint folder; only headers are read
};
void describe(options::OptionTable& table, InspectOptions& options);

/// Throws UserError for an unknown architecture, and where config.json and the tensors do not fit.
Inspection inspect(const InspectOptions& options, const RunContext& context);

Verb inspect_verb();

}  // namespace espalier::pipeline
