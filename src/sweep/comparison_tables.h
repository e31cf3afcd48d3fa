#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "sweep/comparison.h"

namespace espalier {

/// Markdown, also made to be read as it is: scores, paired differences, what is kept, costs. `title` is the
/// grid's name; `planned` is how many runs the grid has.
std::string comparison_markdown(const Comparison& comparison, const std::string& title, std::size_t planned);

/// `sweep.json`, "espalier.sweep/1": docs/formats/sweep.md.
std::string comparison_json(const Comparison& comparison, const std::string& title, std::size_t planned);

/// A line for each row and setting, and for each baseline: mean, deviation, what is kept, paired differences
/// and the ends of their 95% intervals. Of the rows that are wanted; empty where there are none.
std::string comparison_csv(const Comparison& comparison,
                           const std::function<bool(const std::string&)>& wanted);
/// A line for each finished run.
std::string runs_csv(const Comparison& comparison);

}  // namespace espalier
