#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/verb.h"
#include "surgery/apply.h"
#include "surgery/engines.h"

namespace espalier::pipeline {

struct CheckOptions {
  std::filesystem::path plan, model;
  SurgeryOptions surgery;
  std::vector<std::string> engines;
};
void describe(options::OptionTable& table, CheckOptions& options);

struct CheckSummary {
  std::filesystem::path plan, model;
  espalier::ApplySummary result;        ///< what `apply` would make
  std::optional<EngineReport> engines;  ///< where any was named
};
nlohmann::ordered_json to_json(const CheckSummary& summary);
std::string to_text(const CheckSummary& summary);

/// Whether a plan fits a model, from headers alone. Throws UserError where it does not.
CheckSummary check(const CheckOptions& options, const RunContext& context);

Verb check_verb();

}  // namespace espalier::pipeline
