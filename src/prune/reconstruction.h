#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "artifacts/observations.h"

namespace espalier {

/// How far a layer's output is from its own when only some experts stay, over the single tokens that the
/// observations kept: sum ||y - y_S||^2 / sum ||y||^2, y_S routed by the model's rule among the experts of S.
/// Nothing is computed by experts: y - y_S is a combination of outputs whose products are known.
class ReconstructionError {
 public:
  /// `layer` has samples; both outlive this.
  ReconstructionError(const LayerObservations& layer, const RouterConfig& router);

  std::size_t experts() const { return layer_.experts(); }
  /// kept: [E].
  double of(const std::vector<bool>& kept) const;
  /// [E] error when one more expert goes; infinite for those that are gone. Tokens that do not visit it keep
  /// their share where the rule allows that.
  std::vector<double> without_each(const std::vector<bool>& kept) const;

 private:
  struct Routed;
  double token_error(std::size_t token, const std::vector<bool>& kept, Routed& room) const;

  const LayerObservations& layer_;
  RouterConfig router_;
  double all_ = 0;  // sum ||y||^2
};

/// What a search may do: so many experts of each router group stay.
struct SubsetRule {
  int groups = 1;            ///< contiguous, of one size
  int kept = 1;              ///< of each
  std::vector<bool> may_go;  ///< [E]
};

struct FoundSubset {
  std::vector<int> keep;  ///< ascending
  double error = 0;
  std::int64_t tried = 0;  ///< subsets looked at
};

/// One way to look for the subset with the smallest error.
struct SubsetSearch {
  std::string_view name;
  std::string_view definition;  ///< one line, for `--help` and tables
  FoundSubset (*find)(const ReconstructionError& error, const SubsetRule& rule) = nullptr;
};

/// The table. Ties keep the smaller numbers.
std::span<const SubsetSearch> subset_searches();
/// Throws UserError that names the nearest one.
const SubsetSearch& find_subset_search(std::string_view name);

/// Most subsets that `automatic` and `exhaustive` look at: C(16, 8) = 12870 are below.
constexpr double kMostSubsets = 20'000;

}  // namespace espalier
