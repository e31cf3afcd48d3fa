#include "infer/encoder_experts.h"

#include <algorithm>

#include "base/parallel.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 64;  // tokens of a thread

/// Pairs of token and slot, sorted by expert.
struct Rows {
  Buffer<std::int32_t> offsets;  // [E + 1]
  Buffer<std::int32_t> token;    // [R] token of each row
  Buffer<std::int32_t> row_of;   // [N, K] row of each pair; -1: none

  std::int64_t count() const { return offsets[offsets.size() - 1]; }
};

/// [N, K] experts of what the routing says of rows.
Buffer<std::int32_t> experts_of(const Routing& routing, const std::int32_t* rows) {
  const RoutingView view = routing.view();
  Buffer<std::int32_t> experts(routing.tokens * routing.slots);
  for (std::int64_t i = 0; i < experts.size(); ++i) experts[i] = view.expert_of(rows[i]);
  return experts;
}

Rows sort_by_expert(const Routing& routing, const Buffer<std::int32_t>& experts, std::int64_t E) {
  Rows rows{Buffer<std::int32_t>(E + 1), Buffer<std::int32_t>(experts.size()),
            Buffer<std::int32_t>(experts.size())};
  simd::kernels().sort_by_expert({.chosen = experts.data(),
                                  .offsets = rows.offsets.data(),
                                  .row_token = rows.token.data(),
                                  .row_of = rows.row_of.data(),
                                  .n = routing.tokens,
                                  .k = routing.slots,
                                  .experts = E});
  return rows;
}

void tell(const ExpertTap& tap, const Routing& routing, const Rows& rows, std::int64_t D, const float* ys) {
  std::vector<float> gates(static_cast<std::size_t>(rows.count()));
  for (std::int64_t i = 0; i < rows.row_of.size(); ++i)
    if (rows.row_of[i] >= 0) gates[static_cast<std::size_t>(rows.row_of[i])] = routing.gates[i];
  for (std::int64_t e = 0; e + 1 < rows.offsets.size(); ++e) {
    const auto first = static_cast<std::size_t>(rows.offsets[e]);
    const auto count = static_cast<std::size_t>(rows.offsets[e + 1]) - first;
    if (count == 0) continue;
    tap.output({e, rows.token.span().subspan(first, count), std::span(gates).subspan(first, count),
                ys + rows.offsets[e] * D});
  }
}

/// y += what rows without an expert give: the sum over a token's rows of gate times constant.
void add_novices(const EncoderMoe& moe, const Routing& routing, float* y) {
  if (!moe.novices.defined()) return;
  std::vector<const float*> constant(moe.expert_of_row.size(), nullptr);
  const float* next = moe.novices.floats();
  const auto D = moe.novices.in(), K = routing.slots;
  for (std::size_t row = 0; row < constant.size(); ++row) {
    if (moe.expert_of_row[row] >= 0) continue;
    constant[row] = next;
    next += D;
  }
  const std::int32_t* served = routing.served();
  parallel_for(routing.tokens, kGrain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first * K; i < last * K; ++i) {
      const float* value = served[i] < 0 ? nullptr : constant[static_cast<std::size_t>(served[i])];
      if (value == nullptr) continue;
      float* to = y + i / K * D;
      for (std::int64_t d = 0; d < D; ++d) to[d] += routing.gates[i] * value[d];
    }
  });
}

}  // namespace

void run_experts(const EncoderMoe& moe, const Routing& routing, const float* x, float* y,
                 const ExpertTap& tap) {
  const auto N = routing.tokens, K = routing.slots, D = moe.router.in();
  const auto E = static_cast<std::int64_t>(moe.experts.size());
  const bool drops = tap.output && !routing.accepted.empty();
  const auto experts = experts_of(routing, drops ? routing.chosen.data() : routing.served());
  Rows rows = sort_by_expert(routing, experts, E);
  Buffer<float> xs(rows.count() * D), ys(rows.count() * D);
  simd::kernels().gather_rows(x, rows.token.data(), rows.count(), D, xs.data());
  run(moe.experts, rows.offsets.span(), xs.data(), ys.data());
  if (tap.routed) tap.routed(routing.view());
  if (tap.inputs) tap.inputs(N, x, routing.view());
  if (tap.output) tell(tap, routing, rows, D, ys.data());
  if (drops)
    for (std::int64_t i = 0; i < N * K; ++i)
      if (routing.accepted[i] < 0) rows.row_of[i] = -1;
  simd::kernels().combine({.ys = ys.data(),
                           .row_of = rows.row_of.data(),
                           .gates = routing.gates.data(),
                           .y = y,
                           .n = N,
                           .k = K,
                           .d = D});
  add_novices(moe, routing, y);
}

}  // namespace espalier::infer
