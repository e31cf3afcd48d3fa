#include "observe/accumulate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

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

/// [E] router row of each expert that the model holds.
std::vector<std::int32_t> rows_of(const infer::RoutingView& routing, std::size_t experts) {
  std::vector<std::int32_t> rows(experts);
  for (std::int32_t row = 0; row < static_cast<std::int32_t>(routing.rows); ++row)
    if (const auto expert = routing.expert_of(row); expert >= 0) rows[static_cast<std::size_t>(expert)] = row;
  return rows;
}

void count_choices(const infer::RoutingView& routing, LayerObservations& sums) {
  const auto* chosen = routing.chosen;
  const auto* gates = routing.gates;
  for (std::int64_t n = 0; n < routing.tokens; ++n, chosen += routing.slots, gates += routing.slots) {
    for (std::int64_t k = 0; k < routing.slots; ++k) {
      const auto expert = routing.expert_of(chosen[k]);
      if (expert < 0) continue;
      sums.routed[static_cast<std::size_t>(expert)] += 1;
      sums.gate_sum[static_cast<std::size_t>(expert)] += static_cast<double>(gates[k]);
    }
    const auto best = best_slot(routing, chosen, gates);
    const auto expert = best < 0 ? -1 : routing.expert_of(chosen[best]);
    if (expert < 0) continue;
    sums.top1[static_cast<std::size_t>(expert)] += 1;
    sums.top1_gate_sum[static_cast<std::size_t>(expert)] += static_cast<double>(gates[best]);
  }
}

void count_pairs(const infer::RoutingView& routing, LayerObservations& sums) {
  const auto E = sums.experts();
  const auto* chosen = routing.chosen;
  for (std::int64_t n = 0; n < routing.tokens; ++n, chosen += routing.slots)
    for (std::int64_t k = 0; k < routing.slots; ++k) {
      const auto own = routing.expert_of(chosen[k]);
      if (own < 0) continue;
      double* row = sums.together.data() + static_cast<std::size_t>(own) * E;
      for (std::int64_t other = 0; other < routing.slots; ++other)
        if (const auto with = routing.expert_of(chosen[other]); with >= 0) row[with] += 1;
    }
}

/// to [E] += the column sums of alpha [N, rows].
void sum_scores(const infer::RoutingView& routing, const std::vector<std::int32_t>& rows,
                LayerObservations& sums) {
  const auto* alpha = routing.alpha;
  for (std::int64_t n = 0; n < routing.tokens; ++n, alpha += routing.rows)
    for (std::size_t e = 0; e < rows.size(); ++e) sums.score_sum[e] += static_cast<double>(alpha[rows[e]]);
}

void sum_logits_and_entropy(const infer::RoutingView& routing, const std::vector<std::int32_t>& rows,
                            LayerObservations& sums) {
  const auto *alpha = routing.alpha, *logits = routing.logits;
  for (std::int64_t n = 0; n < routing.tokens; ++n, alpha += routing.rows, logits += routing.rows) {
    float entropy = 0;
    for (std::int64_t row = 0; row < routing.rows; ++row)
      if (alpha[row] > 0) entropy -= alpha[row] * std::log(alpha[row]);
    sums.entropy_sum += static_cast<double>(entropy);
    for (std::size_t e = 0; e < rows.size(); ++e)
      sums.logit_sum[e] += static_cast<double>(logit_of(logits[rows[e]]));
  }
}

void sum_logit_products(const infer::RoutingView& routing, const std::vector<std::int32_t>& experts,
                        LayerObservations& sums) {
  const auto E = static_cast<std::int64_t>(experts.size());
  std::vector<float> products(static_cast<std::size_t>(E * E));
  Buffer<float> own(std::min(kProductRows, routing.tokens) * E);
  for (std::int64_t first = 0; first < routing.tokens; first += kProductRows) {
    const auto rows = std::min(kProductRows, routing.tokens - first);
    float* h = own.data();
    for (std::int64_t n = 0; n < rows; ++n)
      for (std::int64_t e = 0; e < E; ++e)
        h[n * E + e] =
            logit_of(routing.logits[(first + n) * routing.rows + experts[static_cast<std::size_t>(e)]]);
    kernels::gemm(E, E, rows, {h, E, true}, {h, E}, 0, products.data(), E);
    for (std::size_t i = 0; i < products.size(); ++i)
      sums.logit_product_sum[i] += static_cast<double>(products[i]);
  }
}

}  // namespace

void add_routing(const infer::RoutingView& routing, RoutingStatistics statistics, LayerObservations& sums) {
  const auto rows = rows_of(routing, sums.experts());
  sums.tokens += static_cast<double>(routing.tokens);
  count_choices(routing, sums);
  sum_scores(routing, rows, sums);
  if (statistics == RoutingStatistics::kOfCriteria) return;
  count_pairs(routing, sums);
  sum_logits_and_entropy(routing, rows, sums);
  sum_logit_products(routing, rows, sums);
}

void add_outputs(const infer::ExpertOutput& output, std::int64_t width, LayerObservations& sums) {
  const auto expert = static_cast<std::size_t>(output.expert), rows = output.gates.size();
  const auto count = static_cast<std::int64_t>(rows);
  std::vector<float> norms(rows);
  simd::kernels().row_norms(output.outputs, count, width, norms.data());
  for (std::size_t r = 0; r < rows; ++r) {
    const double norm = static_cast<double>(norms[r]), weighted = static_cast<double>(output.gates[r]) * norm;
    sums.norm_sum[expert] += norm;
    sums.norm_max[expert] = std::max(sums.norm_max[expert], norm);
    sums.weighted_norm_sum[expert] += weighted;
    sums.weighted_norm_max[expert] = std::max(sums.weighted_norm_max[expert], weighted);
  }
  const auto D = sums.width();
  if (D == 0) return;
  std::vector<float> columns(D);
  simd::kernels().column_sums(output.outputs, count, width, width, columns.data());
  for (std::size_t d = 0; d < D; ++d) sums.output_sum[expert * D + d] += static_cast<double>(columns[d]);
}

}  // namespace espalier
