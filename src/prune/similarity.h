#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "artifacts/observations.h"

namespace espalier {

/// How alike the experts of a layer are, for each pair.
using SimilarityMatrix = std::vector<double>;  // [E * E], symmetric, row-major; larger = more alike

/// One way to compare experts. `compute` gives the matrix, with what an expert has with itself on the
/// diagonal; it throws UserError where the observations lack what it needs.
struct Similarity {
  std::string_view name;
  std::string_view definition;  ///< one line, for `--help` and tables
  std::string_view needs;       ///< options of `observe` that provide it; empty: always there
  /// Kinds of `observe --similarity`, any of which provides it; empty: always there.
  std::span<const std::string_view> observed_as;
  bool (*available)(const LayerObservations& layer) = nullptr;
  SimilarityMatrix (*compute)(const LayerObservations& layer) = nullptr;
};

/// The table.
std::span<const Similarity> similarities();
/// Throws UserError that names the nearest one.
const Similarity& find_similarity(std::string_view name);

/// `compute`, with an error that says what to observe where the layer lacks it, and for numbers that are not
/// finite.
SimilarityMatrix similarity_of(const Similarity& similarity, const LayerObservations& layer);

}  // namespace espalier
