#pragma once

#include <string>
#include <vector>

#include "artifacts/run_folder.h"

namespace espalier {

/// One HTML page about one run or several side by side: headline figures, charts, evaluation, speed, options
/// and machine. Self-contained: it opens offline, and it fetches nothing. Made from artifacts only; the same
/// artifacts give the same bytes. `more_sections` is HTML that goes below. Throws InternalError when `runs`
/// is empty.
std::string render_report(const std::vector<RunFolder>& runs, const std::string& more_sections = {});

}  // namespace espalier
