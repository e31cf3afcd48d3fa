#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/run_folder.h"

namespace espalier {

struct ResultsCell {
  std::string text;
  std::string note{};  ///< small print: the shape of a measurement

  bool operator==(const ResultsCell&) const = default;
};

struct ResultsRow {
  std::string name;
  std::optional<std::size_t> run;  ///< index of the run; absent: a baseline that needs no model
  std::vector<ResultsCell> cells;  ///< one for each column but the first

  bool operator==(const ResultsRow&) const = default;
};

/// Quality, size, speed and memory of runs side by side, and the baselines they were measured against.
struct ResultsTable {
  std::vector<std::string> columns;
  std::vector<ResultsRow> rows;
};

ResultsTable results_table(const std::vector<RunFolder>& runs);

/// Aligned columns for a terminal, a line each.
std::string results_text(const ResultsTable& table);

}  // namespace espalier
