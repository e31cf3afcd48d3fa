// simd_benchmark [filter]: every kernel of kernels/simd at the shapes of a training step, in GB/s of the
// bytes it must move, beside a plain parallel copy of about the same size: the bound of this machine at that
// moment.
#include <fmt/format.h>
#include <omp.h>

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "kernels/simd/kernels.h"

namespace {

using namespace espalier::simd;
using Floats = std::vector<float>;

constexpr std::int64_t kTokens = 4096;
constexpr std::int64_t kWidth = 256;
constexpr std::int64_t kHidden = 1024;
constexpr std::int64_t kBatch = 32;
constexpr std::int64_t kHeads = 8;
constexpr std::int64_t kLength = 128;
constexpr std::int64_t kVocabulary = 8192;
constexpr std::int64_t kMasked = 640;
constexpr std::int64_t kExperts = 8;
constexpr DropoutKey kDrop{.key = 1, .p = 0.1F};

/// On one thread the time it was given by the processor, so that other programs do not count; else the
/// clock's.
double now_seconds() {
  timespec now{};
  clock_gettime(omp_get_max_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The least time of `run` over a quarter of a second.
double least_seconds(const std::function<void()>& run) {
  const double start = now_seconds();
  double least = 1e9;
  for (int i = 0; i < 5 || now_seconds() - start < 0.25; ++i) {
    const double before = now_seconds();
    run();
    least = std::min(least, now_seconds() - before);
  }
  return least;
}

double copy_rate(std::int64_t bytes) {
  Floats from(bytes / 8, 1.0F);
  Floats to(bytes / 8);
  const double seconds = least_seconds([&] {
#pragma omp parallel
    {
      const std::size_t part = from.size() / omp_get_num_threads();
      std::memcpy(to.data() + part * omp_get_thread_num(), from.data() + part * omp_get_thread_num(),
                  part * 4);
    }
  });
  return static_cast<double>(bytes) / seconds / 1e9;
}

struct Bench {
  std::string filter;

  void operator()(const std::string& name, std::int64_t floats_moved,
                  const std::function<void()>& run) const {
    if (name.find(filter) == std::string::npos) return;
    const std::int64_t bytes = 4 * floats_moved;
    const double seconds = least_seconds(run);
    const double rate = static_cast<double>(bytes) / seconds / 1e9;
    const double bound = copy_rate(bytes);
    fmt::print("| {} | {:.1f} | {:.0f} | {:.1f} | {:.1f} | {:.0f}% |\n", name,
               static_cast<double>(bytes) / 1e6, seconds * 1e6, rate, bound, 100 * rate / bound);
  }
};

Floats values(std::int64_t count) {
  Floats out(count);
  std::uint32_t state = 1;
  for (float& v : out) {
    state = state * 1664525 + 1013904223;
    v = static_cast<float>(state >> 8) / 4194304.0F - 2.0F;
  }
  return out;
}

void activations(const Bench& bench, const Kernels& k) {
  const std::int64_t count = kTokens * kHidden;
  Floats h = values(count);
  Floats bias = values(kHidden);
  Floats a(count);
  Floats dbias(kHidden);
  Floats dh(count);
  bench("gelu forward, bias", 2 * count, [&] {
    k.gelu_forward({.h = h.data(), .bias = bias.data(), .a = a.data(), .n = kTokens, .f = kHidden});
  });
  bench("gelu backward, dbias", 3 * count, [&] {
    k.gelu_backward({.da = a.data(),
                     .h = h.data(),
                     .bias = bias.data(),
                     .dh = dh.data(),
                     .dbias = dbias.data(),
                     .n = kTokens,
                     .f = kHidden});
  });
  Floats derivative(count);
  bench("gelu forward, bias, derivative over h", 3 * count, [&] {
    k.gelu_forward({.h = derivative.data(),
                    .bias = bias.data(),
                    .a = a.data(),
                    .derivative = derivative.data(),
                    .n = kTokens,
                    .f = kHidden});
  });
  bench("gelu backward from derivative, dbias", 3 * count, [&] {
    k.gelu_backward({.da = a.data(),
                     .derivative = derivative.data(),
                     .dh = dh.data(),
                     .dbias = dbias.data(),
                     .n = kTokens,
                     .f = kHidden});
  });
  bench("dropout", 2 * count, [&] { k.dropout(h.data(), a.data(), count, kDrop); });
  bench("column sums", count, [&] { k.column_sums(h.data(), kTokens, kHidden, kHidden, dbias.data()); });
  bench("tanh forward", 2 * count, [&] { k.tanh_forward(h.data(), a.data(), count); });
}

void norms(const Bench& bench, const Kernels& k) {
  const std::int64_t count = kTokens * kWidth;
  const Floats x = values(count);
  const Floats residual = values(count);
  const Floats gamma = values(kWidth);
  Floats z(count);
  Floats y(count);
  Floats dx(count);
  Floats mean(kTokens);
  Floats rstd(kTokens);
  Floats sums(3 * kWidth);
  LayerNormForward forward{.x = x.data(),
                           .gamma = gamma.data(),
                           .beta = gamma.data(),
                           .y = y.data(),
                           .mean = mean.data(),
                           .rstd = rstd.data(),
                           .n = kTokens,
                           .d = kWidth};
  bench("layer norm forward", 2 * count, [&] { k.layer_norm_forward(forward); });
  forward.bias = gamma.data();
  forward.residual = residual.data();
  forward.z = z.data();
  bench("add layer norm forward", 4 * count, [&] { k.layer_norm_forward(forward); });
  forward.dropout = kDrop;
  bench("dropout add layer norm forward", 4 * count, [&] { k.layer_norm_forward(forward); });
  LayerNormBackward backward{.dy = x.data(),
                             .z = z.data(),
                             .mean = mean.data(),
                             .rstd = rstd.data(),
                             .gamma = gamma.data(),
                             .dz = y.data(),
                             .dgamma = sums.data(),
                             .dbeta = sums.data() + kWidth,
                             .n = kTokens,
                             .d = kWidth};
  bench("layer norm backward", 3 * count, [&] { k.layer_norm_backward(backward); });
  backward.dx = dx.data();
  backward.dbias = sums.data() + 2 * kWidth;
  backward.dropout = kDrop;
  bench("dropout add layer norm backward, dbias", 4 * count, [&] { k.layer_norm_backward(backward); });
}

void softmaxes(const Bench& bench, const Kernels& k) {
  const std::int64_t count = kBatch * kHeads * kLength * kLength;
  Floats p = values(count);
  Floats dropped(count);
  Floats gradient = values(count);
  const Floats additive(kBatch * kLength, 0.0F);
  AttentionSoftmax op{.scores = p.data(),
                      .additive = additive.data(),
                      .batch = kBatch,
                      .rows = kHeads * kLength,
                      .keys = kLength,
                      .scale = 0.2F};
  bench("attention softmax", 2 * count, [&] { k.attention_softmax(op); });
  op.dropped = dropped.data();
  op.dropout = kDrop;
  bench("attention softmax, dropout", 3 * count, [&] { k.attention_softmax(op); });
  for (const DropoutKey key : {DropoutKey{}, kDrop}) {
    bench(key.p > 0 ? "attention softmax backward, dropout" : "attention softmax backward", 3 * count, [&] {
      k.attention_softmax_backward({.p = p.data(),
                                    .gradient = gradient.data(),
                                    .batch = kBatch,
                                    .rows = kHeads * kLength,
                                    .keys = kLength,
                                    .scale = 0.2F,
                                    .dropout = key});
    });
  }
  const Floats logits = values(kMasked * kVocabulary);
  Floats dlogits(kMasked * kVocabulary);
  std::vector<std::int64_t> targets(kMasked, 17);
  bench("cross entropy", 2 * kMasked * kVocabulary, [&] {
    k.cross_entropy({.logits = logits.data(),
                     .targets = {.wide = targets.data()},
                     .dlogits = dlogits.data(),
                     .m = kMasked,
                     .vocabulary = kVocabulary,
                     .scale = 1.0F / kMasked});
  });
}

void experts(const Bench& bench, const Kernels& k, std::int64_t experts) {
  const std::int64_t count = kTokens * kWidth;
  Floats logits = values(kTokens * experts);
  Floats probabilities(kTokens * experts);
  Floats gates(kTokens);
  std::vector<std::int32_t> chosen(kTokens);
  std::vector<std::int32_t> offsets(experts + 1);
  std::vector<std::int32_t> row_token(kTokens);
  std::vector<std::int32_t> row_of(kTokens);
  const std::string of = fmt::format(", {} experts", experts);
  bench("router forward" + of, 2 * kTokens * experts, [&] {
    k.router_forward({.logits = logits.data(),
                      .probabilities = probabilities.data(),
                      .chosen = chosen.data(),
                      .gates = gates.data(),
                      .n = kTokens,
                      .experts = experts,
                      .k = 1});
  });
  bench("router backward" + of, 2 * kTokens * experts, [&] {
    k.router_backward({.probabilities = probabilities.data(),
                       .chosen = chosen.data(),
                       .dgates = gates.data(),
                       .dlogits = logits.data(),
                       .n = kTokens,
                       .experts = experts,
                       .k = 1});
  });
  bench("sort by expert" + of, 3 * kTokens, [&] {
    k.sort_by_expert({.chosen = chosen.data(),
                      .offsets = offsets.data(),
                      .row_token = row_token.data(),
                      .row_of = row_of.data(),
                      .n = kTokens,
                      .k = 1,
                      .experts = experts});
  });
  const Floats x = values(count);
  Floats ys(count);
  Floats y(count);
  Floats dgates(kTokens);
  bench("gather rows" + of, 2 * count,
        [&] { k.gather_rows(x.data(), row_token.data(), kTokens, kWidth, ys.data()); });
  bench("combine" + of, 2 * count, [&] {
    k.combine({.ys = ys.data(),
               .row_of = row_of.data(),
               .gates = gates.data(),
               .y = y.data(),
               .n = kTokens,
               .k = 1,
               .d = kWidth});
  });
  Floats dys(count);
  bench("combine backward" + of, 3 * count, [&] {
    k.combine_backward({.dy = x.data(),
                        .ys = ys.data(),
                        .row_of = row_of.data(),
                        .gates = gates.data(),
                        .dys = dys.data(),
                        .dgates = dgates.data(),
                        .n = kTokens,
                        .k = 1,
                        .d = kWidth});
  });
}

void tables(const Bench& bench, const Kernels& k) {
  const std::int64_t count = kTokens * kWidth;
  const Floats word = values(kVocabulary * kWidth);
  Floats dword(kVocabulary * kWidth);
  Floats position(kLength * kWidth);
  Floats type(kWidth);
  Floats out(count);
  std::vector<std::int64_t> ids(kTokens);
  for (std::int64_t i = 0; i < kTokens; ++i) ids[i] = i * 7919 % kVocabulary;
  bench("embedding forward", 2 * count, [&] {
    k.embedding_forward({.word = word.data(),
                         .position = position.data(),
                         .type = type.data(),
                         .ids = {.wide = ids.data()},
                         .out = out.data(),
                         .n = kTokens,
                         .length = kLength,
                         .d = kWidth});
  });
  bench("embedding backward", 3 * count, [&] {
    k.embedding_backward({.dout = out.data(),
                          .dword = dword.data(),
                          .dposition = position.data(),
                          .dtype = type.data(),
                          .ids = {.wide = ids.data()},
                          .n = kTokens,
                          .length = kLength,
                          .d = kWidth});
  });
  const std::int64_t parameters = 10'000'000;
  Floats p = values(parameters);
  Floats g = values(parameters);
  Floats m(parameters);
  Floats v(parameters);
  bench("adamw, 10 M parameters", 7 * parameters, [&] {
    k.adamw({.parameters = p.data(),
             .gradients = g.data(),
             .first_moment = m.data(),
             .second_moment = v.data(),
             .count = parameters,
             .learning_rate = 1e-4F,
             .weight_decay = 0.01F,
             .step = 3});
  });
  volatile double norm = 0;
  bench("sum of squares, 10 M", parameters, [&] { norm = k.sum_of_squares(g.data(), parameters); });
}

}  // namespace

int main(int argc, char** argv) {
  const Bench bench{.filter = argc > 1 ? argv[1] : ""};
  const Kernels& k = kernels();
  fmt::print("{}, {} threads\n\n| kernel | MB | us | GB/s | copy GB/s | share |\n|---|---|---|---|---|---|\n",
             k.isa, omp_get_max_threads());
  activations(bench, k);
  norms(bench, k);
  softmaxes(bench, k);
  experts(bench, k, kExperts);
  experts(bench, k, 64);
  tables(bench, k);
}
