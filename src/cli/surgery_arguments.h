#pragma once

#include <CLI/CLI.hpp>

#include "surgery/apply.h"

namespace espalier {

/// The options of `check`, `apply` and `verify` that say what a plan may do to a model.
struct SurgeryArguments {
  bool allow_unequal = false, reset_groups = false, zero_fill = false, drop_mtp = false;

  SurgeryOptions options() const;
  bool any() const { return allow_unequal || reset_groups || zero_fill || drop_mtp; }
};

void add_surgery_options(CLI::App& app, SurgeryArguments& arguments);

/// The result in figures, a line each: layers, parameters, bytes, notes.
std::string to_text(const ApplySummary& summary);
/// The same as fields of a JSON object.
nlohmann::ordered_json to_json(const ApplySummary& summary);

}  // namespace espalier
