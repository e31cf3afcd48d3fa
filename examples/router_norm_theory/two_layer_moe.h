#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/rng.h"

namespace espalier::examples {

/// The setting of Chowdhury et al. 2024 (arXiv 2405.16646), section 4. The paper's numbers are not known;
/// these are ours.
struct TheorySetting {
  std::size_t patterns =
      200;                   ///< d: orthonormal patterns (unit vectors), o1 and o2 and d - 2 that say nothing
  std::size_t tokens = 20;   ///< n of a sample: one is o1 (class +1) or o2 (class -1), the others say nothing
  std::size_t experts = 40;  ///< k
  std::size_t chosen = 5;    ///< l: tokens that an expert takes of a sample (expert choice)
  std::size_t neurons = 16;  ///< m of an expert
  double relevant_share =
      0.25;           ///< of the experts whose routers lean to o1 or o2 from the start, half to each
  double lean = 0.5;  ///< what such a router's row has on its pattern; the others have minus that on both
  std::size_t batch = 200;  ///< fresh samples in each step
  std::size_t steps = 300;
  double learning_rate_experts = 0.02, learning_rate_routers = 5.0;
};

/// f(x) = sum over experts s and the l tokens j of x that s's router scores highest of
/// sign_s * softmax_j(router_s x_j) * sum over neurons r of relu(neuron_sr x_j). The signs are fixed, half +1
/// and half -1; a pruned expert gives zero. Tokens are unit vectors, so that a product is an entry of a row.
struct TwoLayerMoe {
  std::size_t patterns = 0, neurons_per_expert = 0, chosen = 0;
  std::vector<double> sign;                  // [k]
  std::vector<bool> living;                  // [k]
  std::vector<std::vector<double>> router;   // [k][d]
  std::vector<std::vector<double>> neurons;  // [k][m * d]

  std::size_t experts() const { return sign.size(); }
};

/// What an expert's router leans to at the start.
enum class Leaning { kFirst, kSecond, kNothing };
Leaning leaning_of(const TheorySetting& setting, std::size_t expert);

TwoLayerMoe initial_model(const TheorySetting& setting, std::uint64_t seed);

/// A sample: the numbers of its tokens' patterns (o1 is 0, o2 is 1), and its class.
struct PatternSample {
  std::vector<std::size_t> tokens;  // [n]
  double label = 1.0;               // +1 or -1
};
PatternSample draw_sample(const TheorySetting& setting, Rng& rng);

double output(const TwoLayerMoe& model, const PatternSample& sample);

/// Gradients of the mean hinge loss max(0, 1 - y f(x)), shaped like the model.
struct TheoryGradients {
  std::vector<std::vector<double>> router, neurons;
};
TheoryGradients hinge_gradients(const TwoLayerMoe& model, const std::vector<PatternSample>& batch);

/// Plain SGD, fresh samples in each step.
void train(TwoLayerMoe& model, const TheorySetting& setting, std::size_t steps, Rng& rng);

/// Share of `count` fresh samples with the right sign; an output of exactly 0 is wrong.
double accuracy(const TwoLayerMoe& model, const TheorySetting& setting, std::size_t count, Rng& rng);

/// [k] of each expert's router row.
std::vector<double> router_norms(const TwoLayerMoe& model);

}  // namespace espalier::examples
