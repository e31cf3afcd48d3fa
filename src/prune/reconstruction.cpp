#include "prune/reconstruction.h"

#include <algorithm>
#include <limits>

#include "arch/token_rule.h"

namespace espalier {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace

/// Room for one token's route, and the route itself.
struct ReconstructionError::Routed {
  TokenRuleScratch scratch;
  std::vector<float> logits, bias, alpha, gates;
  std::vector<std::int32_t> chosen;
  std::vector<std::size_t> terms;    // experts with a coefficient
  std::vector<double> coefficients;  // of y - y_S
};

ReconstructionError::ReconstructionError(const LayerObservations& layer, const RouterConfig& router)
    : layer_(layer), router_(router) {
  const std::vector<bool> none(experts(), false);
  Routed room;
  for (std::size_t token = 0; token < layer_.samples->tokens(); ++token)
    all_ += layer_.samples->weight[token] * token_error(token, none, room);
}

/// ||y - y_S||^2; ||y||^2 where nothing is kept. Dropped experts get a logit and a bias of minus infinity, so
/// that no rule chooses or counts them.
double ReconstructionError::token_error(std::size_t token, const std::vector<bool>& kept,
                                        Routed& room) const {
  const TokenSamples& samples = *layer_.samples;
  const std::size_t E = experts();
  const float* logits = samples.logits.data() + token * E;
  const float* gates = samples.gates.data() + token * E;
  const auto left = static_cast<std::size_t>(std::count(kept.begin(), kept.end(), true));
  room.logits.resize(E);
  room.bias.resize(E);
  room.alpha.resize(E);
  const std::size_t K = std::min(left, static_cast<std::size_t>(router_.experts_per_token));
  room.chosen.resize(K);
  room.gates.resize(K);
  for (std::size_t e = 0; e < E; ++e) {
    room.logits[e] = kept[e] ? logits[e] : kNever;
    room.bias[e] = !kept[e] ? kNever : layer_.correction_bias.empty() ? 0.0F : layer_.correction_bias[e];
  }
  if (K > 0)
    choose_for_token(router_, room.logits, room.bias, room.scratch, room.alpha, room.chosen, room.gates);
  room.terms.clear();
  room.coefficients.clear();
  for (std::size_t e = 0; e < E; ++e) {
    double coefficient = static_cast<double>(gates[e]);
    for (std::size_t k = 0; k < K; ++k) {
      if (static_cast<std::size_t>(room.chosen[k]) == e) coefficient -= static_cast<double>(room.gates[k]);
    }
    if (coefficient == 0) continue;
    room.terms.push_back(e);
    room.coefficients.push_back(coefficient);
  }
  const float* products = samples.products.data() + token * pair_count(E);
  double sum = 0;
  for (std::size_t a = 0; a < room.terms.size(); ++a) {
    const double own = room.coefficients[a];
    sum += own * own * static_cast<double>(products[pair_index(room.terms[a], room.terms[a], E)]);
    for (std::size_t b = a + 1; b < room.terms.size(); ++b)
      sum += 2 * own * room.coefficients[b] *
             static_cast<double>(products[pair_index(room.terms[a], room.terms[b], E)]);
  }
  return std::max(sum, 0.0);
}

double ReconstructionError::of(const std::vector<bool>& kept) const {
  Routed room;
  double sum = 0;
  for (std::size_t token = 0; token < layer_.samples->tokens(); ++token)
    sum += layer_.samples->weight[token] * token_error(token, kept, room);
  return all_ > 0 ? sum / all_ : 0.0;
}

std::vector<double> ReconstructionError::without_each(const std::vector<bool>& kept) const {
  const std::size_t E = experts();
  // A softmax that is not normalised again over the chosen changes with every expert that goes, and groups
  // open by experts that are not chosen.
  const bool local = router_.groups == 1 && (router_.normalise || router_.score != GateScore::kSoftmax);
  std::vector<double> sums(E, 0.0);
  std::vector<bool> less = kept;
  std::vector<bool> visited(E);
  Routed room;
  for (std::size_t token = 0; token < layer_.samples->tokens(); ++token) {
    const double weight = layer_.samples->weight[token];
    double now = 0;
    if (local) {
      now = token_error(token, kept, room);
      std::fill(visited.begin(), visited.end(), false);
      for (const std::int32_t e : room.chosen) visited[static_cast<std::size_t>(e)] = true;
    }
    for (std::size_t e = 0; e < E; ++e) {
      if (!kept[e]) continue;
      if (local && !visited[e]) {
        sums[e] += weight * now;
        continue;
      }
      less[e] = false;
      sums[e] += weight * token_error(token, less, room);
      less[e] = true;
    }
  }
  for (std::size_t e = 0; e < E; ++e) {
    if (!kept[e])
      sums[e] = std::numeric_limits<double>::infinity();
    else
      sums[e] = all_ > 0 ? sums[e] / all_ : 0.0;
  }
  return sums;
}

}  // namespace espalier
