#pragma once

#include <string>
#include <vector>

namespace espalier {

/// One expert in a map of layers x experts.
struct ExpertCell {
  double tone = 0.0;  ///< -1 (far below an even share) to 1 (far above); not finite: 0
  bool dropped = false;
  std::string number;  ///< what the cell says, in a few letters; may be empty
  std::string title;   ///< shown under the pointer; may be empty
};

struct ExpertRow {
  int layer = 0;  ///< 0-based block
  std::vector<ExpertCell> experts;
};

/// A number of up to four letters: "12", "1.3", ".07".
std::string cell_number(double value);

/// A table that is coloured by CSS alone: rows are layers, columns experts, both with their numbers. Tones
/// have ten steps each way. Maps may have many thousand cells: what HTML lets out is left out.
std::string expert_map(const std::vector<ExpertRow>& rows, const std::string& label);

}  // namespace espalier
