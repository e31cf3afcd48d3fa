#include "infer/activations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "base/parallel.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 1 << 14;  // elements of a thread

/// sqrt(2/pi) (x + 0.044715 x^3) (Hendrycks and Gimpel 2016, arXiv 1606.08415, 2)
float gelu_tanh(float x) {
  constexpr float kSlope = 0.797884560802865F;
  return 0.5F * x * (1.0F + std::tanh(kSlope * (x + 0.044715F * x * x * x)));
}

template <typename Each>
void for_elements(std::int64_t count, Each each) {
  parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) each(i);
  });
}

/// Calls `action` with the activation as a function, so that loops over it know which.
template <typename Action>
void with_activation(const arch::FeedForward& rule, Action action) {
  switch (rule.activation) {
    case arch::Activation::kSilu:
      return action(
          [slope = static_cast<float>(rule.silu_slope)](float x) { return x * sigmoid(slope * x); });
    case arch::Activation::kGelu:
      return action(
          [](float x) { return 0.5F * x * (1.0F + std::erf(x * (std::numbers::sqrt2_v<float> / 2.0F))); });
    case arch::Activation::kRelu:
      return action([](float x) { return x > 0.0F ? x : 0.0F * x; });  // NaN stays what it is
    case arch::Activation::kGeluTanh:
      return action(gelu_tanh);
    case arch::Activation::kSquaredRelu:
      return action([](float x) { return x > 0.0F ? x * x : 0.0F * x; });
  }
  throw InternalError("an activation that is not known");
}

}  // namespace

float sigmoid(float x) {
  return 1.0F / (1.0F + std::exp(-x));
}

float softplus(float x) {
  return x > 20.0F ? x : std::log1p(std::exp(x));
}

void gated_activation(const arch::FeedForward& rule, std::int64_t count, float* gate, const float* up) {
  constexpr float kNone = std::numeric_limits<float>::infinity();
  const float most = rule.limit ? static_cast<float>(rule.limit->most) : kNone;
  const float before = rule.limit && !rule.limit->of_activation ? most : kNone;
  const float after = rule.limit && rule.limit->of_activation ? most : kNone;
  const float shift = static_cast<float>(rule.up_shift);
  with_activation(rule, [&](auto act) {
    for_elements(count, [&](std::int64_t i) {
      const float g = act(std::min(gate[i], before));
      gate[i] = std::min(g, after) * (std::clamp(up[i], -most, most) + shift);
    });
  });
}

void plain_activation(const arch::FeedForward& rule, std::int64_t count, float* x) {
  with_activation(rule, [&](auto act) { for_elements(count, [&](std::int64_t i) { x[i] = act(x[i]); }); });
}

void silu(std::int64_t count, float* x) {
  for_elements(count, [&](std::int64_t i) { x[i] *= sigmoid(x[i]); });
}

void add_bias(std::int64_t N, std::int64_t D, const float* bias, float* y) {
  parallel_for(N, std::max<std::int64_t>(1, kGrain / D), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < D; ++j) y[i * D + j] += bias[j];
  });
}

}  // namespace espalier::infer
