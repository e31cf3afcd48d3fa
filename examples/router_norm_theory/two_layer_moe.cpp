#include "router_norm_theory/two_layer_moe.h"

#include <algorithm>
#include <cmath>

namespace espalier::examples {
namespace {

/// Standard deviation of the neurons' first weights: small beside what training makes of the relevant ones.
constexpr double kNeuronDeviation = 0.01;

/// The tokens that an expert takes of a sample, with their gates.
struct Taken {
  std::vector<std::size_t> patterns;  // [l]
  std::vector<double> gates;          // [l], sum to 1
};

Taken take(const std::vector<double>& router, const PatternSample& sample, std::size_t count) {
  Taken taken{sample.tokens, {}};
  const auto better = [&](std::size_t a, std::size_t b) { return router[a] > router[b]; };
  std::partial_sort(taken.patterns.begin(), taken.patterns.begin() + static_cast<std::ptrdiff_t>(count),
                    taken.patterns.end(), better);
  taken.patterns.resize(count);
  double sum = 0.0;
  const double largest = router[taken.patterns.front()];
  for (const std::size_t p : taken.patterns) sum += taken.gates.emplace_back(std::exp(router[p] - largest));
  for (double& gate : taken.gates) gate /= sum;
  return taken;
}

/// [d] sum over the neurons of relu(neuron's entry), for every pattern.
std::vector<double> responses(const TwoLayerMoe& model, std::size_t expert) {
  std::vector<double> sums(model.patterns, 0.0);
  const auto& weights = model.neurons[expert];
  for (std::size_t r = 0; r < model.neurons_per_expert; ++r)
    for (std::size_t p = 0; p < model.patterns; ++p)
      sums[p] += std::max(0.0, weights[r * model.patterns + p]);
  return sums;
}

double mean_response(const Taken& taken, const std::vector<double>& response) {
  double sum = 0.0;
  for (std::size_t j = 0; j < taken.patterns.size(); ++j) sum += taken.gates[j] * response[taken.patterns[j]];
  return sum;
}

std::vector<std::vector<double>> all_responses(const TwoLayerMoe& model) {
  std::vector<std::vector<double>> all(model.experts());
  for (std::size_t s = 0; s < model.experts(); ++s)
    if (model.living[s]) all[s] = responses(model, s);
  return all;
}

double output(const TwoLayerMoe& model, const PatternSample& sample,
              const std::vector<std::vector<double>>& response) {
  double sum = 0.0;
  for (std::size_t s = 0; s < model.experts(); ++s)
    if (model.living[s])
      sum += model.sign[s] * mean_response(take(model.router[s], sample, model.chosen), response[s]);
  return sum;
}

/// Adds one sample's part to the gradients of one expert; `pattern_gradient` [d] is what each neuron that is
/// awake on a pattern gets.
void add_sample(const TwoLayerMoe& model, std::size_t s, const PatternSample& sample, double scale,
                const std::vector<double>& response, std::vector<double>& router_gradient,
                std::vector<double>& pattern_gradient) {
  const Taken taken = take(model.router[s], sample, model.chosen);
  const double mean = mean_response(taken, response);
  const double factor = -scale * sample.label * model.sign[s];
  for (std::size_t j = 0; j < taken.patterns.size(); ++j) {
    const std::size_t p = taken.patterns[j];
    pattern_gradient[p] += factor * taken.gates[j];
    router_gradient[p] += factor * taken.gates[j] * (response[p] - mean);
  }
}

}  // namespace

Leaning leaning_of(const TheorySetting& setting, std::size_t expert) {
  const auto relevant = static_cast<std::size_t>(
      std::llround(setting.relevant_share * static_cast<double>(setting.experts) / 2.0) * 2);
  if (expert >= relevant) return Leaning::kNothing;
  return expert % 2 == 0 ? Leaning::kFirst : Leaning::kSecond;
}

TwoLayerMoe initial_model(const TheorySetting& setting, std::uint64_t seed) {
  Rng rng(seed, 1);
  TwoLayerMoe model{setting.patterns, setting.neurons, setting.chosen, {}, {}, {}, {}};
  const double deviation = 1.0 / std::sqrt(static_cast<double>(setting.patterns));  // rows of norm about 1
  for (std::size_t s = 0; s < setting.experts; ++s) {
    model.sign.push_back(s % 2 == 0 ? 1.0 : -1.0);
    model.living.push_back(true);
    auto& router = model.router.emplace_back(setting.patterns);
    for (double& weight : router) weight = deviation * rng.normal();
    const Leaning leaning = leaning_of(setting, s);
    router[0] = leaning == Leaning::kFirst ? setting.lean : -setting.lean;
    router[1] = leaning == Leaning::kSecond ? setting.lean : -setting.lean;
    auto& neurons = model.neurons.emplace_back(setting.neurons * setting.patterns);
    for (double& weight : neurons) weight = kNeuronDeviation * rng.normal();
  }
  return model;
}

PatternSample draw_sample(const TheorySetting& setting, Rng& rng) {
  PatternSample sample;
  const bool first = rng.uniform() < 0.5;
  sample.label = first ? 1.0 : -1.0;
  for (std::size_t j = 0; j < setting.tokens; ++j)
    sample.tokens.push_back(2 + rng.below(setting.patterns - 2));
  sample.tokens[rng.below(setting.tokens)] = first ? 0 : 1;
  return sample;
}

double output(const TwoLayerMoe& model, const PatternSample& sample) {
  return output(model, sample, all_responses(model));
}

TheoryGradients hinge_gradients(const TwoLayerMoe& model, const std::vector<PatternSample>& batch) {
  const auto response = all_responses(model);
  TheoryGradients gradients;
  for (std::size_t s = 0; s < model.experts(); ++s) {
    gradients.router.emplace_back(model.patterns, 0.0);
    gradients.neurons.emplace_back(model.neurons[s].size(), 0.0);
  }
  std::vector<std::vector<double>> by_pattern(model.experts(), std::vector<double>(model.patterns, 0.0));
  const double scale = 1.0 / static_cast<double>(batch.size());
  for (const PatternSample& sample : batch) {
    if (sample.label * output(model, sample, response) >= 1.0) continue;
    for (std::size_t s = 0; s < model.experts(); ++s)
      if (model.living[s])
        add_sample(model, s, sample, scale, response[s], gradients.router[s], by_pattern[s]);
  }
  for (std::size_t s = 0; s < model.experts(); ++s)
    for (std::size_t i = 0; i < model.neurons[s].size(); ++i)
      if (model.neurons[s][i] > 0) gradients.neurons[s][i] = by_pattern[s][i % model.patterns];
  return gradients;
}

void train(TwoLayerMoe& model, const TheorySetting& setting, std::size_t steps, Rng& rng) {
  for (std::size_t step = 0; step < steps; ++step) {
    std::vector<PatternSample> batch;
    for (std::size_t b = 0; b < setting.batch; ++b) batch.push_back(draw_sample(setting, rng));
    const TheoryGradients gradients = hinge_gradients(model, batch);
    for (std::size_t s = 0; s < model.experts(); ++s) {
      if (!model.living[s]) continue;
      for (std::size_t p = 0; p < model.patterns; ++p)
        model.router[s][p] -= setting.learning_rate_routers * gradients.router[s][p];
      for (std::size_t i = 0; i < model.neurons[s].size(); ++i)
        model.neurons[s][i] -= setting.learning_rate_experts * gradients.neurons[s][i];
    }
  }
}

double accuracy(const TwoLayerMoe& model, const TheorySetting& setting, std::size_t count, Rng& rng) {
  const auto response = all_responses(model);
  std::size_t right = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const PatternSample sample = draw_sample(setting, rng);
    if (sample.label * output(model, sample, response) > 0) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(count);
}

std::vector<double> router_norms(const TwoLayerMoe& model) {
  std::vector<double> norms;
  for (const auto& row : model.router) {
    double sum = 0.0;
    for (const double weight : row) sum += weight * weight;
    norms.push_back(std::sqrt(sum));
  }
  return norms;
}

}  // namespace espalier::examples
