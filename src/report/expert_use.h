#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "artifacts/observations.h"
#include "artifacts/plan.h"

namespace espalier {

// What the figures of a calibration run come to.

/// How evenly a layer's router shares out its tokens.
struct LoadBalance {
  double entropy = 0.0;  ///< of the experts' shares of the routed pairs, over log E: 1 = even, 0 = one expert
  double router_entropy = 0.0;  ///< mean over tokens of the entropy of alpha, over log E: 0 = sure of itself
  double largest = 0.0;         ///< the largest share over the mean share
  double gini = 0.0;            ///< of the shares: 0 = even, 1 - 1/E = one expert
  int never_routed = 0;
};

/// NaN where the layer saw no tokens, or has one expert (entropies).
LoadBalance load_balance(const LayerObservations& layer);

/// [E] shares of the routed pairs; NaN without any.
std::vector<double> load_shares(const LayerObservations& layer);

/// A token id that an expert handles more than its share.
struct TokenLift {
  std::int64_t token = 0;
  double count = 0.0;  ///< times that it went to the expert
  double pairs = 0.0;  ///< of the token, with any expert of the layer
  /// Share of the token's pairs that went there, over the expert's share of all pairs; `kPriorPairs` more
  /// pairs at the expert's own share are counted in. Without them all tokens that went there alone would have
  /// one lift, the largest there is, however rare they are.
  double lift = 1.0;
};

constexpr double kPriorPairs = 10;

/// By (layer, expert): at most `most` tokens by lift, the largest first, that went there at least `least`
/// times; equal lifts by count, then by id.
std::map<std::pair<int, int>, std::vector<TokenLift>> top_tokens(const Observations& observations,
                                                                 std::size_t most, double least);

/// What a layer loses with the experts that a plan drops, as shares of the layer's sums.
struct LostShares {
  int layer = 0;
  int dropped = 0;
  double pairs = 0.0;   ///< of the routed pairs
  double gates = 0.0;   ///< of the gates that the model used
  double output = 0.0;  ///< of gate times output norm
};

/// Layers that are in both. Throws UserError where they do not fit each other.
std::vector<LostShares> lost_shares(const Observations& observations, const Plan& plan);

}  // namespace espalier
