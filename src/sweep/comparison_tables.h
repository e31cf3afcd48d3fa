#pragma once

#include <cstddef>
#include <string>

#include "sweep/comparison.h"

namespace espalier {

/// Markdown, also made to be read as it is: scores, paired differences, what is kept, costs. `title` is the
/// grid's name; `planned` is how many runs the grid has.
std::string comparison_markdown(const Comparison& comparison, const std::string& title, std::size_t planned);

/// `sweep.json`, "espalier.sweep/1": docs/formats/sweep.md.
std::string comparison_json(const Comparison& comparison, const std::string& title, std::size_t planned);

}  // namespace espalier
