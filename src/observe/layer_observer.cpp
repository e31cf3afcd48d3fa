#include "observe/layer_observer.h"

#include <algorithm>
#include <cmath>

#include "kernels/simd/kernels.h"
#include "nn/onednn/gemm.h"

namespace espalier {
namespace {

/// Rows whose products are summed in float32 before they join the sums of float64.
constexpr std::int64_t kProductRows = 4096;

}  // namespace

LayerObserver::LayerObserver(int layer, std::int64_t experts, std::int64_t width)
    : sums_(layer, static_cast<std::size_t>(experts), static_cast<std::size_t>(width)),
      column_sums_(static_cast<std::size_t>(width)) {}

void LayerObserver::routed(const TokenChoice& choice) {
  sums_.tokens += static_cast<double>(choice.tokens());
  count_choices(choice);
  sum_scores(choice);
  sum_logit_products(choice);
}

void LayerObserver::count_choices(const TokenChoice& choice) {
  const auto* chosen = choice.chosen.data_ptr<std::int32_t>();
  const auto* gates = choice.gates.data_ptr<float>();
  const auto K = static_cast<std::size_t>(choice.slots()), E = static_cast<std::size_t>(choice.experts());
  for (std::int64_t n = 0; n < choice.tokens(); ++n, chosen += K, gates += K) {
    const auto best = static_cast<std::size_t>(chosen[0]);
    sums_.top1[best] += 1;
    sums_.top1_gate_sum[best] += static_cast<double>(gates[0]);
    for (std::size_t k = 0; k < K; ++k) {
      const auto expert = static_cast<std::size_t>(chosen[k]);
      sums_.routed[expert] += 1;
      sums_.gate_sum[expert] += static_cast<double>(gates[k]);
      for (std::size_t other = 0; other < K; ++other)
        sums_.together[expert * E + static_cast<std::size_t>(chosen[other])] += 1;
    }
  }
}

void LayerObserver::sum_scores(const TokenChoice& choice) {
  const auto* alpha = choice.alpha.data_ptr<float>();
  const auto* logits = choice.logits.data_ptr<float>();
  const auto E = static_cast<std::size_t>(choice.experts());
  for (std::int64_t n = 0; n < choice.tokens(); ++n, alpha += E, logits += E) {
    float entropy = 0;
    for (std::size_t e = 0; e < E; ++e) {
      sums_.score_sum[e] += static_cast<double>(alpha[e]);
      sums_.logit_sum[e] += static_cast<double>(logits[e]);
      if (alpha[e] > 0) entropy -= alpha[e] * std::log(alpha[e]);
    }
    sums_.entropy_sum += static_cast<double>(entropy);
  }
}

void LayerObserver::sum_logit_products(const TokenChoice& choice) {
  const auto E = choice.experts();
  std::vector<float> products(static_cast<std::size_t>(E * E));
  for (std::int64_t first = 0; first < choice.tokens(); first += kProductRows) {
    const float* h = choice.logits.data_ptr<float>() + first * E;
    weight_gradient(std::min(kProductRows, choice.tokens() - first), E, E, h, h, products.data());
    for (std::size_t i = 0; i < products.size(); ++i)
      sums_.logit_product_sum[i] += static_cast<double>(products[i]);
  }
}

void LayerObserver::computed(const ExpertOutput& output) {
  const auto expert = static_cast<std::size_t>(output.expert), rows = output.tokens.size();
  const auto D = sums_.width();
  if (norms_.size() < rows) norms_.resize(rows);
  simd::kernels().row_norms(output.outputs, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(D),
                            norms_.data());
  simd::kernels().column_sums(output.outputs, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(D),
                              static_cast<std::int64_t>(D), column_sums_.data());
  for (std::size_t d = 0; d < D; ++d)
    sums_.output_sum[expert * D + d] += static_cast<double>(column_sums_[d]);
  for (std::size_t r = 0; r < rows; ++r) {
    const double norm = static_cast<double>(norms_[r]),
                 weighted = static_cast<double>(output.gates[r]) * norm;
    sums_.norm_sum[expert] += norm;
    sums_.norm_max[expert] = std::max(sums_.norm_max[expert], norm);
    sums_.weighted_norm_sum[expert] += weighted;
    sums_.weighted_norm_max[expert] = std::max(sums_.weighted_norm_max[expert], weighted);
  }
}

}  // namespace espalier
