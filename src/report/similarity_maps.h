#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// How alike the experts of one layer are, by one measure.
struct SimilarityMap {
  std::string_view name, definition;
  int layer = 0;               ///< 0-based block
  std::size_t experts = 0;     ///< E
  std::vector<double> values;  ///< [E * E], larger = more alike
};

/// A section with a heat map of the pairs for each, coloured between the least and the most alike one; of
/// models with very many experts, a list of the most alike pairs of each. Empty without maps.
std::string similarity_section(std::span<const SimilarityMap> maps);

}  // namespace espalier
