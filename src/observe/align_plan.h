#pragma once

#include <string_view>

#include "artifacts/plan.h"
#include "base/progress.h"
#include "infer/decoder.h"

namespace espalier {

/// The plan with an order of neurons for every merge: those of each expert stand where the most like ones of
/// the expert it is merged into are. `where` opens messages. Throws UserError for a plan of another model,
/// and for one that merges nothing.
Plan align_plan(Plan plan, std::string_view where, const infer::DecoderModel& model,
                const ProgressSink& progress);

}  // namespace espalier
