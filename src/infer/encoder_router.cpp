#include "infer/encoder_router.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "infer/expert_choice.h"
#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

Buffer<float> logits_of(const StoredWeight& weight, std::int64_t N, const float* x) {
  const auto E = weight.out(), D = weight.in();
  Buffer<float> logits(N * E);
  kernels::gemm(N, E, D, {x, D}, {weight.floats(), D, true}, 0, logits.data(), E);
  return logits;
}

/// The first gate of each token, which is its largest.
std::vector<float> first_gates(const Routing& routing) {
  std::vector<float> first;
  for (std::int64_t n = 0; n < routing.tokens; ++n) first.push_back(routing.gates[n * routing.slots]);
  return first;
}

void choose(const arch::Router& router, Routing& routing) {
  const auto N = routing.tokens, E = routing.rows, K = std::min(router.rule.experts_per_token, E);
  routing.slots = K;
  routing.chosen = Buffer<std::int32_t>(N * K);
  routing.gates = Buffer<float>(N * K);
  simd::kernels().router_forward({.logits = routing.logits.data(),
                                  .probabilities = routing.alpha.data(),
                                  .chosen = routing.chosen.data(),
                                  .gates = routing.gates.data(),
                                  .n = N,
                                  .experts = E,
                                  .k = K});
  if (!router.capacity_factor) return;
  routing.accepted = Buffer<std::int32_t>(N * K);
  std::copy_n(routing.chosen.data(), N * K, routing.accepted.data());
  keep_within_capacity(router, N, K, E, first_gates(routing).data(), routing.accepted.data());
}

void be_chosen(const arch::Router& router, std::int64_t group, Routing& routing) {
  const auto N = routing.tokens, E = routing.rows;
  if (group == 0) group = N;
  std::copy_n(routing.logits.data(), N * E, routing.alpha.data());
  simd::kernels().attention_softmax(
      {.scores = routing.alpha.data(), .batch = 1, .rows = N, .keys = E, .scale = 1});
  routing.order = SlotOrder::kByExpert;
  routing.slots = E;
  routing.chosen = Buffer<std::int32_t>(N * E);
  choose_by_experts(N, E, routing.alpha.data(), group, capacity_of(router, group, E), routing.chosen.data());
  routing.gates = Buffer<float>(N * E);
  std::copy_n(routing.alpha.data(), N * E, routing.gates.data());
}

/// A member's tokens and rows among all.
void place(const Routing& part, std::int64_t member, std::int64_t members, Routing& all) {
  const auto n = part.tokens, rows = part.rows, K = part.slots;
  const auto first = member * n;
  const auto shift = static_cast<std::int32_t>(member * rows);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto at = (first + i) * all.rows + member * rows;
    std::copy_n(part.logits.data() + i * rows, rows, all.logits.data() + at);
    std::copy_n(part.alpha.data() + i * rows, rows, all.alpha.data() + at);
  }
  const auto shifted = [&](const Buffer<std::int32_t>& from, Buffer<std::int32_t>& to) {
    if (to.empty() && !from.empty()) to = Buffer<std::int32_t>(members * n * K);
    for (std::int64_t i = 0; i < from.size(); ++i)
      to[first * K + i] = from[i] >= 0 ? from[i] + shift : from[i];
  };
  shifted(part.chosen, all.chosen);
  shifted(part.accepted, all.accepted);
  std::copy_n(part.gates.data(), n * K, all.gates.data() + first * K);
}

}  // namespace

std::int64_t capacity_of(const arch::Router& router, std::int64_t tokens, std::int64_t rows) {
  const auto experts = router.capacity_experts > 0 ? router.capacity_experts : rows;
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(tokens * router.rule.experts_per_token) *
                                             router.capacity_factor.value_or(1.0) /
                                             static_cast<double>(experts)));
}

void keep_within_capacity(const arch::Router& router, std::int64_t N, std::int64_t K, std::int64_t E,
                          const float* largest, std::int32_t* chosen) {
  const auto capacity = capacity_of(router, N, E);
  std::vector<std::int64_t> order(static_cast<std::size_t>(N));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (router.batch_prioritized)
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return largest[a] > largest[b]; });
  std::vector<std::int64_t> load(static_cast<std::size_t>(E));
  for (std::int64_t slot = 0; slot < K; ++slot)
    for (const auto n : order)
      if (auto& e = chosen[n * K + slot]; ++load[static_cast<std::size_t>(e)] > capacity) e = -1;
}

Routing route(const arch::Router& router, const StoredWeight& weight, std::int64_t N, const float* x,
              std::int64_t group) {
  Routing routing;
  routing.tokens = N;
  routing.rows = weight.out();
  routing.logits = logits_of(weight, N, x);
  routing.alpha = Buffer<float>(N * weight.out());
  if (router.chooser == arch::WhoChooses::kTokens)
    choose(router, routing);
  else
    be_chosen(router, group, routing);
  return routing;
}

Routing route_ensemble(const arch::Router& router, const StoredWeight& weight, std::int64_t members,
                       std::int64_t N, const float* x, std::int64_t group) {
  const auto tokens = N / members, rows = weight.out() / members;
  arch::Router own = router;
  own.capacity_experts = router.capacity_experts / members;
  Routing all;
  all.tokens = N;
  all.rows = weight.out();
  all.logits = Buffer<float>(N * weight.out());
  all.logits.fill(-std::numeric_limits<float>::infinity());
  all.alpha = Buffer<float>(N * weight.out());
  all.alpha.fill(0);
  for (std::int64_t m = 0; m < members; ++m) {
    const Routing part = route(own, weight.rows(m * rows, rows), tokens, x + m * tokens * weight.in(), group);
    all.slots = part.slots;
    all.order = part.order;
    if (all.gates.empty()) all.gates = Buffer<float>(N * part.slots);
    place(part, m, members, all);
  }
  return all;
}

}  // namespace espalier::infer
