#include "report/expert_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <unordered_map>

#include "base/error.h"

namespace espalier {
namespace {

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// In nats.
double entropy_of(const std::vector<double>& shares) {
  double entropy = 0.0;
  for (const double share : shares) {
    if (share > 0) entropy -= share * std::log(share);
  }
  return entropy;
}

/// Half of the relative mean difference.
double gini_of(std::vector<double> shares) {
  std::sort(shares.begin(), shares.end());
  double weighted = 0.0;
  for (std::size_t i = 0; i < shares.size(); ++i) weighted += static_cast<double>(i + 1) * shares[i];
  const auto n = static_cast<double>(shares.size());
  return 2 * weighted / (n * sum_of(shares)) - (n + 1) / n;
}

const LayerObservations* find_layer(const Observations& observations, int number) {
  for (const LayerObservations& layer : observations.layers) {
    if (layer.layer == number) return &layer;
  }
  return nullptr;
}

/// The first `most` by lift.
void keep_best(std::vector<TokenLift>& tokens, std::size_t most) {
  std::sort(tokens.begin(), tokens.end(), [](const TokenLift& a, const TokenLift& b) {
    return std::tuple(b.lift, b.count, a.token) < std::tuple(a.lift, a.count, b.token);
  });
  if (tokens.size() > most) tokens.resize(most);
}

double dropped_share(const std::vector<double>& sums, const LayerPlan& plan) {
  double dropped = 0.0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (!std::binary_search(plan.keep.begin(), plan.keep.end(), static_cast<int>(i))) dropped += sums[i];
  }
  const double all = sum_of(sums);
  return all > 0 ? dropped / all : std::nan("");
}

}  // namespace

std::vector<double> load_shares(const LayerObservations& layer) {
  std::vector<double> shares = layer.routed;
  const double pairs = sum_of(shares);
  for (double& share : shares) share /= pairs;
  return shares;
}

LoadBalance load_balance(const LayerObservations& layer) {
  const std::vector<double> shares = load_shares(layer);
  const auto experts = static_cast<double>(shares.size());
  LoadBalance balance;
  balance.never_routed = static_cast<int>(std::count(layer.routed.begin(), layer.routed.end(), 0.0));
  if (!(sum_of(layer.routed) > 0)) {
    balance.entropy = balance.router_entropy = balance.largest = balance.gini = std::nan("");
    return balance;
  }
  balance.entropy = entropy_of(shares) / std::log(experts);
  balance.router_entropy = layer.entropy_sum / layer.tokens / std::log(experts);
  balance.largest = *std::max_element(shares.begin(), shares.end()) * experts;
  balance.gini = gini_of(shares);
  return balance;
}

std::map<std::pair<int, int>, std::vector<TokenLift>> top_tokens(const Observations& observations,
                                                                 std::size_t most, double least) {
  std::map<std::pair<int, int>, std::vector<TokenLift>> result;
  const TokenUse& use = observations.token_use;
  for (std::size_t begin = 0, end = 0; begin < use.size(); begin = end) {
    while (end < use.size() && use.layer[end] == use.layer[begin]) ++end;
    const LayerObservations* layer = find_layer(observations, use.layer[begin]);
    if (layer == nullptr) continue;
    std::unordered_map<std::int64_t, double> pairs_of;
    for (std::size_t i = begin; i < end; ++i) pairs_of[use.token[i]] += use.count[i];
    const std::vector<double> shares = load_shares(*layer);
    for (std::size_t i = begin; i < end; ++i) {
      const double share = shares[static_cast<std::size_t>(use.expert[i])];
      if (use.count[i] < least || !(share > 0)) continue;
      const double pairs = pairs_of[use.token[i]];
      const double lift = (use.count[i] + kPriorPairs * share) / (pairs + kPriorPairs) / share;
      result[{use.layer[i], use.expert[i]}].push_back({use.token[i], use.count[i], pairs, lift});
    }
  }
  for (auto& [expert, tokens] : result) keep_best(tokens, most);
  return result;
}

std::vector<LostShares> lost_shares(const Observations& observations, const Plan& plan) {
  const auto& planned_for = plan.provenance.topology_sha256;
  if (planned_for && *planned_for != observations.topology_sha256) {
    throw UserError("the plan and the observations are of different models", "name a plan made from them");
  }
  std::vector<LostShares> result;
  for (const LayerPlan& layer : plan.layers) {
    const LayerObservations* seen = find_layer(observations, layer.layer);
    if (seen == nullptr) continue;
    if (static_cast<int>(seen->experts()) != layer.num_experts_before) {
      throw UserError(fmt::format("block {}: the plan is for {} experts, the observations are of {}",
                                  layer.layer, layer.num_experts_before, seen->experts()),
                      "name the observations that the plan was made from");
    }
    result.push_back({layer.layer, layer.num_experts_before - static_cast<int>(layer.keep.size()),
                      dropped_share(seen->routed, layer), dropped_share(seen->gate_sum, layer),
                      dropped_share(seen->weighted_norm_sum, layer)});
  }
  return result;
}

}  // namespace espalier
