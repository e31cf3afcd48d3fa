#pragma once

#include <string>
#include <vector>

namespace espalier {

/// One expert in a map of layers x experts.
struct ExpertCell {
  double tone = 0.0;  ///< -1 (far below an even share) to 1 (far above); not finite: 0
  bool dropped = false;
  std::string title;  ///< shown under the pointer
};

struct ExpertRow {
  int layer = 0;  ///< 0-based block
  std::vector<ExpertCell> experts;
};

/// A table that is coloured by CSS alone: rows are layers, columns experts.
std::string expert_map(const std::vector<ExpertRow>& rows, const std::string& label);

}  // namespace espalier
