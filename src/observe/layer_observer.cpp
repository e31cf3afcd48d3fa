#include "observe/layer_observer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier {
namespace {

/// Rows whose products are summed in float32 before they join the sums of float64.
constexpr std::int64_t kProductRows = 4096;

/// The slot of a token's best expert; -1 where it has none.
std::int64_t best_slot(const infer::RoutingView& routing, const std::int32_t* chosen, const float* gates) {
  if (routing.order == infer::SlotOrder::kBestFirst) return chosen[0] < 0 ? -1 : 0;
  std::int64_t best = -1;
  for (std::int64_t k = 0; k < routing.slots; ++k)
    if (chosen[k] >= 0 && (best < 0 || gates[k] > gates[best])) best = k;
  return best;
}

/// A member of an ensemble has no logits for the experts of another.
float logit_of(float logit) {
  return logit == -std::numeric_limits<float>::infinity() ? 0.0F : logit;
}

std::vector<std::int32_t> rows_of(const infer::RoutingView& routing, std::size_t experts) {
  std::vector<std::int32_t> rows(experts);
  for (std::int32_t row = 0; row < static_cast<std::int32_t>(routing.rows); ++row)
    if (const auto expert = routing.expert_of(row); expert >= 0) rows[static_cast<std::size_t>(expert)] = row;
  return rows;
}

}  // namespace

LayerObserver::LayerObserver(int layer, std::int64_t experts, std::int64_t width)
    : sums_(layer, static_cast<std::size_t>(experts), static_cast<std::size_t>(width)),
      column_sums_(static_cast<std::size_t>(width)) {}

void LayerObserver::routed(const infer::RoutingView& routing) {
  sums_.tokens += static_cast<double>(routing.tokens);
  if (row_of_.empty()) row_of_ = rows_of(routing, sums_.routed.size());
  count_choices(routing);
  sum_scores(routing);
  sum_logit_products(routing);
}

void LayerObserver::count_choices(const infer::RoutingView& routing) {
  const auto* chosen = routing.chosen;
  const auto* gates = routing.gates;
  const auto K = static_cast<std::size_t>(routing.slots), E = sums_.routed.size();
  for (std::int64_t n = 0; n < routing.tokens; ++n, chosen += K, gates += K) {
    if (const auto best = best_slot(routing, chosen, gates); best >= 0) {
      if (const auto expert = routing.expert_of(chosen[best]); expert >= 0) {
        sums_.top1[static_cast<std::size_t>(expert)] += 1;
        sums_.top1_gate_sum[static_cast<std::size_t>(expert)] += static_cast<double>(gates[best]);
      }
    }
    for (std::size_t k = 0; k < K; ++k) {
      const auto own = routing.expert_of(chosen[k]);
      if (own < 0) continue;
      const auto expert = static_cast<std::size_t>(own);
      sums_.routed[expert] += 1;
      sums_.gate_sum[expert] += static_cast<double>(gates[k]);
      for (std::size_t other = 0; other < K; ++other)
        if (const auto with = routing.expert_of(chosen[other]); with >= 0)
          sums_.together[expert * E + static_cast<std::size_t>(with)] += 1;
    }
  }
}

void LayerObserver::sum_scores(const infer::RoutingView& routing) {
  const auto* alpha = routing.alpha;
  const auto* logits = routing.logits;
  const auto rows = static_cast<std::size_t>(routing.rows);
  for (std::int64_t n = 0; n < routing.tokens; ++n, alpha += rows, logits += rows) {
    float entropy = 0;
    for (std::size_t row = 0; row < rows; ++row)
      if (alpha[row] > 0) entropy -= alpha[row] * std::log(alpha[row]);
    sums_.entropy_sum += static_cast<double>(entropy);
    for (std::size_t e = 0; e < row_of_.size(); ++e) {
      const auto row = static_cast<std::size_t>(row_of_[e]);
      sums_.score_sum[e] += static_cast<double>(alpha[row]);
      sums_.logit_sum[e] += static_cast<double>(logit_of(logits[row]));
    }
  }
}

void LayerObserver::sum_logit_products(const infer::RoutingView& routing) {
  const auto E = static_cast<std::int64_t>(row_of_.size());
  std::vector<float> products(static_cast<std::size_t>(E * E));
  for (std::int64_t first = 0; first < routing.tokens; first += kProductRows) {
    const auto rows = std::min(kProductRows, routing.tokens - first);
    float* h = own_logits_.room(rows * E);
    for (std::int64_t n = 0; n < rows; ++n)
      for (std::int64_t e = 0; e < E; ++e)
        h[n * E + e] =
            logit_of(routing.logits[(first + n) * routing.rows + row_of_[static_cast<std::size_t>(e)]]);
    kernels::gemm(E, E, rows, {h, E, true}, {h, E}, 0, products.data(), E);
    for (std::size_t i = 0; i < products.size(); ++i)
      sums_.logit_product_sum[i] += static_cast<double>(products[i]);
  }
}

void LayerObserver::computed(const infer::ExpertOutput& output) {
  const auto expert = static_cast<std::size_t>(output.expert), rows = output.tokens.size();
  const auto D = sums_.width();
  const auto count = static_cast<std::int64_t>(rows), width = static_cast<std::int64_t>(D);
  float* norms = norms_.room(count);
  simd::kernels().row_norms(output.outputs, count, width, norms);
  simd::kernels().column_sums(output.outputs, count, width, width, column_sums_.data());
  for (std::size_t d = 0; d < D; ++d)
    sums_.output_sum[expert * D + d] += static_cast<double>(column_sums_[d]);
  for (std::size_t r = 0; r < rows; ++r) {
    const double norm = static_cast<double>(norms[r]), weighted = static_cast<double>(output.gates[r]) * norm;
    sums_.norm_sum[expert] += norm;
    sums_.norm_max[expert] = std::max(sums_.norm_max[expert], norm);
    sums_.weighted_norm_sum[expert] += weighted;
    sums_.weighted_norm_max[expert] = std::max(sums_.weighted_norm_max[expert], weighted);
  }
}

}  // namespace espalier
