#pragma once

#include "options/option_table.h"
#include "pipeline/run_context.h"

namespace espalier::pipeline {

/// Before a verb works: what it is to read is there, and what it is to write can be written. Throws UserError
/// naming the option. Notes what stands in a model's folder and is passed over.
void check_paths(const options::OptionTable& table, const RunContext& context);

}  // namespace espalier::pipeline
