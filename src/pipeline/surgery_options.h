#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "options/option_table.h"
#include "surgery/apply.h"

namespace espalier::pipeline {

/// The options of `check`, `apply` and `verify` that say what a plan may do to a model.
void describe_surgery(options::OptionTable& table, SurgeryOptions& options);

/// The result in figures, a line each: layers, parameters, bytes, notes.
std::string figures_text(const espalier::ApplySummary& summary);
/// The same as fields of a JSON object.
nlohmann::ordered_json figures_json(const espalier::ApplySummary& summary);

}  // namespace espalier::pipeline
