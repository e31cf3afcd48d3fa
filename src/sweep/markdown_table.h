#pragma once

#include <string>
#include <vector>

#include "sweep/comparison.h"

namespace espalier {

using TableRow = std::vector<std::string>;

/// A Markdown table, also made to be read as it is: columns as wide as their longest cell, all but the first
/// right-aligned. The first row is the head.
std::string markdown_table(const std::vector<TableRow>& rows);

/// "1.20"; never "-0.00".
std::string fixed_text(double value, int decimals = 2);

/// "-1.20 [-2.00, -0.40]", bold where 0 is outside.
std::string difference_text(const Difference& difference, int decimals = 2);

/// "63.75 ± 1.20"; with the number of seeds where that is not `expected`.
std::string sample_text(const SeedScores& scores, std::size_t expected, int decimals = 2);

}  // namespace espalier
