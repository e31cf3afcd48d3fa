#include "infer/experts.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "infer/activations.h"
#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

/// Rows that an expert computes at a time: enough for products at full speed, few enough for its hidden
/// values to stay in the cache.
constexpr std::int64_t kChunkRows = 512;

/// (token, slot) pairs sorted by expert.
struct Assignments {
  std::vector<std::int32_t> offsets;  // [E + 1]
  std::vector<std::int32_t> tokens;   // [N * K]
  std::vector<float> gates;           // [N * K]
};

Assignments sort_by_expert(const Routing& choice) {
  const auto pairs = static_cast<std::size_t>(choice.tokens * choice.slots);
  Assignments sorted{std::vector<std::int32_t>(static_cast<std::size_t>(choice.rows) + 1),
                     std::vector<std::int32_t>(pairs), std::vector<float>(pairs)};
  std::vector<std::int32_t> row_of(pairs);
  simd::kernels().sort_by_expert({.chosen = choice.chosen.data(),
                                  .offsets = sorted.offsets.data(),
                                  .row_token = sorted.tokens.data(),
                                  .row_of = row_of.data(),
                                  .n = choice.tokens,
                                  .k = choice.slots,
                                  .experts = choice.rows});
  const float* gates = choice.gates.data();
  for (std::size_t a = 0; a < pairs; ++a) sorted.gates[static_cast<std::size_t>(row_of[a])] = gates[a];
  return sorted;
}

/// body(begin, rows) for 0 .. n in chunks.
template <typename Body>
void for_chunks(std::int64_t n, Body body) {
  for (std::int64_t begin = 0; begin < n; begin += kChunkRows) body(begin, std::min(kChunkRows, n - begin));
}

/// residual[tokens] += gates * y; y [R, D]
void scatter(const float* y, std::span<const std::int32_t> tokens, std::span<const float> gates,
             std::int64_t D, float* residual) {
  simd::kernels().scatter_rows({.x = y,
                                .token = tokens.data(),
                                .gates = gates.data(),
                                .y = residual,
                                .rows = static_cast<std::int64_t>(tokens.size()),
                                .d = D});
}

/// gates * x[tokens] in `room`; x [*, D]
const float* scaled_rows(const float* x, std::span<const std::int32_t> tokens, std::span<const float> gates,
                         std::int64_t D, Buffer<float>& room) {
  float* to = room.room(static_cast<std::int64_t>(tokens.size()) * D);
  for (std::size_t r = 0; r < tokens.size(); ++r)
    for (std::int64_t d = 0; d < D; ++d) *to++ = gates[r] * x[tokens[r] * D + d];
  return room.data();
}

void add_routed(const DecoderMoe& moe, const Assignments& sorted, const float* x, float* residual,
                const ExpertTap& tap) {
  FfnBuffers buffers;
  FfnScratch scratch;
  Buffer<float> scaled;
  const std::vector<float> ones(moe.scales_input ? kChunkRows : 0, 1.0F);
  for (std::size_t e = 0; e < moe.experts.size(); ++e) {
    if (sorted.offsets[e] == sorted.offsets[e + 1]) continue;
    if (e + 1 < moe.experts.size())
      for_each_weight(moe.experts[e + 1], [](const StoredWeight& weight) { prefetch(weight); });
    const std::int64_t all = sorted.offsets[e + 1] - sorted.offsets[e];
    // One chunk: each number of the weight is needed once.
    const ReadyFfn ready = all <= kChunkRows ? open(moe.experts[e], buffers) : read(moe.experts[e], buffers);
    for_chunks(all, [&](std::int64_t begin, std::int64_t rows) {
      const auto first = static_cast<std::size_t>(sorted.offsets[e] + begin);
      const auto tokens = std::span(sorted.tokens).subspan(first, static_cast<std::size_t>(rows));
      auto gates = std::span<const float>(sorted.gates).subspan(first, static_cast<std::size_t>(rows));
      const float* y = nullptr;
      if (moe.scales_input) {
        y = run(ready, rows, scaled_rows(x, tokens, gates, ready.width, scaled), nullptr, scratch);
        gates = std::span<const float>(ones).first(gates.size());
      } else {
        y = run(ready, rows, x, tokens.data(), scratch);
      }
      if (tap.output) tap.output({static_cast<std::int64_t>(e), tokens, gates, y});
      scatter(y, tokens, gates, ready.width, residual);
    });
  }
}

/// residual += gates * the network's output, all rows; gates [N]
void add_gated(const GatedFfn& ffn, std::span<const float> gates, const float* x, float* residual) {
  const auto N = static_cast<std::int64_t>(gates.size()), D = ffn.width();
  FfnBuffers buffers;
  FfnScratch scratch;
  const ReadyFfn ready = read(ffn, buffers);
  std::vector<std::int32_t> tokens(gates.size());
  std::iota(tokens.begin(), tokens.end(), 0);
  for_chunks(N, [&](std::int64_t begin, std::int64_t rows) {
    const auto first = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(rows);
    const auto own = std::span(tokens).subspan(first, count);
    scatter(run(ready, rows, x, own.data(), scratch), own, gates.subspan(first, count), D, residual);
  });
}

/// to += out (the experts' sum for in x): their width is not D.
void add_latent(const DecoderMoe& moe, const Routing& choice, std::int64_t N, const float* x, float* to,
                const ExpertTap& tap) {
  const auto d = moe.latent_in.out(), D = moe.latent_in.in();
  Buffer<float> in(N * d), sum(N * d), room;
  kernels::gemm(N, d, D, {x, D}, {moe.latent_in.read(room), D, true}, 0, in.data(), d);
  sum.fill(0.0F);
  add_routed(moe, sort_by_expert(choice), in.data(), sum.data(), tap);
  kernels::gemm(N, D, d, {sum.data(), d}, {moe.latent_out.read(room), d, true}, 1, to, D);
}

std::span<const float> bias_of(const DecoderMoe& moe) {
  if (!moe.correction_bias.defined()) return {};
  return {moe.correction_bias.floats(), static_cast<std::size_t>(moe.correction_bias.elements())};
}

/// sigmoid(x gate^T) of every row (Qwen2-MoE): [N]
std::vector<float> shared_gates(const StoredWeight& gate, std::int64_t N, const float* x) {
  Buffer<float> buffer;
  std::vector<float> gates(static_cast<std::size_t>(N));
  kernels::gemm(N, 1, gate.in(), {x, gate.in()}, {gate.read(buffer), gate.in(), true}, 0, gates.data(), 1);
  for (float& g : gates) g = 1.0F / (1.0F + std::exp(-g));
  return gates;
}

}  // namespace

void add_ffn(const GatedFfn& ffn, std::int64_t N, const float* x, float* residual) {
  add_gated(ffn, std::vector<float>(static_cast<std::size_t>(N), 1.0F), x, residual);
}

void add_experts(const DecoderMoe& moe, const RouterConfig& config, std::int64_t N, const float* x,
                 float* residual, const ExpertTap& tap) {
  const auto E = moe.router.out(), D = moe.router.in();
  Buffer<float> logits(N * E), router;
  kernels::gemm(N, E, D, {x, D}, {moe.router.read(router), D, true}, 0, logits.data(), E);
  if (moe.router_bias.defined()) add_bias(N, E, moe.router_bias.floats(), logits.data());
  const Routing choice = choose_experts(config, N, E, std::move(logits), bias_of(moe));
  if (tap.routed) tap.routed(choice.view());
  if (tap.inputs) tap.inputs(N, x, choice.view());
  Buffer<float> sum;
  float* to = residual;
  if (moe.output_scale != 1.0) {
    to = sum.room(N * D);
    std::fill_n(to, N * D, 0.0F);
  }
  if (moe.latent_in.defined())
    add_latent(moe, choice, N, x, to, tap);
  else
    add_routed(moe, sort_by_expert(choice), x, to, tap);
  if (moe.shared && moe.shared_gate) add_gated(*moe.shared, shared_gates(*moe.shared_gate, N, x), x, to);
  if (moe.shared && !moe.shared_gate) add_ffn(*moe.shared, N, x, to);
  if (to == residual) return;
  const auto by = static_cast<float>(moe.output_scale);
  for (std::int64_t i = 0; i < N * D; ++i) residual[i] += by * to[i];
}

}  // namespace espalier::infer
