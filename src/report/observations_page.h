#pragma once

#include <string>

#include "artifacts/observations.h"
#include "artifacts/plan.h"

namespace espalier {

/// Sections about a calibration run: what was run, a map of use, balance of the routers, what a plan's
/// dropped experts did (where there is a plan), and which tokens each expert handles more than its share.
/// `more`: sections that follow the map of use. HTML without scripts. Throws UserError where plan and
/// observations do not fit.
std::string observations_sections(const Observations& observations, const Plan* plan,
                                  const std::string& more = {});

/// The same as one self-contained page.
std::string render_observations(const Observations& observations, const Plan* plan, const std::string& title,
                                const std::string& more = {});

}  // namespace espalier
