// Similarity and grouping of one MoE layer with random weights (every expert computes every token, moments of
// CKA, then groups of half as many), and the reconstruction search over all subsets of half the experts
// against running each subset. Prints one JSON object.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <numeric>

#include "base/machine.h"
#include "base/stopwatch.h"
#include "infer/experts.h"
#include "infer/threads.h"
#include "kernels/gemm.h"
#include "observe/every_expert_observer.h"
#include "prune/grouping.h"
#include "prune/reconstruction.h"
#include "prune/similarity.h"
#include "random_weights.h"

using namespace espalier;

namespace {

/// Random weights [out, in] in bfloat16, as the checkpoints of these shapes have them.
infer::StoredWeight random_bf16_weight(Rng& rng, std::int64_t out, std::int64_t in) {
  auto owner = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(2 * out * in));
  const Buffer<float> values = random_values(rng, out * in, 0.03);
  from_float32(Dtype::kBF16, values.span(), *owner);
  return {formats::dense_weight({Dtype::kBF16, *owner}, out, in), owner};
}

/// Multiplications and additions per second of a product at an expert's own shape.
double product_rate(std::int64_t rows, std::int64_t D, std::int64_t F) {
  Rng rng(2);
  const Buffer<float> x = random_values(rng, rows * D, 1), w = random_values(rng, F * D, 1);
  Buffer<float> y(rows * F);
  double best = 0;
  for (int run = 0; run < 4; ++run) {
    const Stopwatch watch;
    kernels::gemm(rows, F, D, {x.data(), D}, {w.data(), D, true}, 0, y.data(), F);
    best = std::max(best, 2.0 * static_cast<double>(rows) * static_cast<double>(D) * static_cast<double>(F) /
                              watch.seconds());
  }
  return best;
}

infer::DecoderMoe random_moe(Rng& rng, std::int64_t E, std::int64_t D, std::int64_t F) {
  infer::DecoderMoe moe;
  moe.router = random_weight(rng, E, D, 0.05);
  for (std::int64_t e = 0; e < E; ++e)
    moe.experts.push_back(
        {random_bf16_weight(rng, F, D), random_bf16_weight(rng, F, D), random_bf16_weight(rng, D, F)});
  return moe;
}

double number(std::int64_t count) {
  return static_cast<double>(count);
}

/// Multiplications and additions of the moments: outputs with each other, projections to R, and half of the
/// projections' products.
double moment_products(std::int64_t N, std::int64_t D, std::int64_t E, double R) {
  const double all = number(E) * R, projecting = R < number(D) ? 2.0 * number(N) * number(D) * all : 0.0;
  return 2.0 * number(N) * number(E) * number(E) * number(D) + projecting + number(N) * all * all;
}

/// Seconds to run the layer with each subset of half the experts: what reuse of outputs saves.
double seconds_of_running_subsets(const infer::DecoderMoe& moe, const RouterConfig& router, const float* x,
                                  std::int64_t N, std::int64_t most) {
  const std::size_t E = moe.experts.size();
  const auto D = moe.router.in();
  std::vector<bool> kept(E, false);
  std::fill(kept.end() - static_cast<std::ptrdiff_t>(E / 2), kept.end(), true);
  std::int64_t subsets = 0;
  Buffer<float> y(N * D);
  const Stopwatch watch;
  do {
    infer::DecoderMoe part;
    std::vector<std::int64_t> rows;
    for (std::size_t e = 0; e < E; ++e) {
      if (!kept[e]) continue;
      rows.push_back(static_cast<std::int64_t>(e));
      part.experts.push_back(moe.experts[e]);
    }
    Buffer<float> own(static_cast<std::int64_t>(rows.size()) * D);
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(moe.router.floats() + rows[i] * D, D, own.data() + static_cast<std::int64_t>(i) * D);
    part.router = infer::stored(std::move(own), static_cast<std::int64_t>(rows.size()), D);
    y.fill(0);
    add_experts(part, router, N, x, y.data(), {});
    ++subsets;
  } while (subsets < most && std::next_permutation(kept.begin(), kept.end()));
  return watch.seconds() / static_cast<double>(subsets);
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t N = 4096, D = 4096, F = 14336, E = 8, K = 2, samples = 0, subsets = 3;
  int threads = hardware_threads();
  CLI::App app("similarity, grouping and reconstruction of one layer");
  app.add_option("--tokens", N);
  app.add_option("--width", D);
  app.add_option("--ffn", F);
  app.add_option("--experts", E);
  app.add_option("--experts-per-token", K);
  app.add_option("--samples", samples, "single tokens for the reconstruction; 0: none");
  app.add_option("--subsets", subsets, "that are run for comparison");
  app.add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);
  infer::configure_threads(threads);
  Rng rng(1);
  const double rate_before = product_rate(512, D, F);
  infer::return_freed_memory();
  const infer::DecoderMoe moe = random_moe(rng, E, D, F);
  const Buffer<float> x = random_values(rng, N * D, 1);
  RouterConfig router;
  router.experts_per_token = K;
  Buffer<float> logits(N * E);
  kernels::gemm(N, E, D, {x.data(), D}, {moe.router.floats(), D, true}, 0, logits.data(), E);
  const infer::Routing choice = infer::choose_experts(router, N, E, std::move(logits), {});
  const infer::RoutingView all_tokens = choice.view();
  SimilarityOptions options;
  options.moments = options.cross_moments = true;
  options.samples = samples;
  const Stopwatch watch;
  EveryExpertObserver observer(moe, 0, N, options);
  observer.add(N, x.data(), &all_tokens);
  const double observing = watch.seconds();
  LayerObservations layer(0, static_cast<std::size_t>(E), static_cast<std::size_t>(D));
  layer.tokens = static_cast<double>(N);
  layer.every_expert = observer.moments();
  const Stopwatch grouping_watch;
  const SimilarityMatrix cka = similarity_of(find_similarity("cka"), layer);
  const std::vector<double> use(static_cast<std::size_t>(E), 1.0);
  const ExpertGroups groups = find_grouping("partition").make({cka, use, static_cast<int>(E / 2)});
  const double grouping = grouping_watch.seconds();
  const double peak = static_cast<double>(peak_resident_bytes());
  const double rate = std::max(rate_before, product_rate(512, D, F));
  const double of_experts = 6.0 * number(N) * number(E) * number(D) * number(F);
  const double in_all =
      of_experts + moment_products(N, D, E, static_cast<double>(layer.every_expert->projected));
  fmt::print(
      "{{\"experts\": {}, \"width\": {}, \"ffn\": {}, \"tokens\": {}, \"observe_seconds\": {:.2f}, "
      "\"group_seconds\": {:.3f}, \"groups\": {}, \"product_gflops\": {:.1f}, \"expert_gflops\": {:.1f}, "
      "\"gflops\": {:.1f}, \"of_product\": {:.2f}, \"peak_rss_gb\": {:.2f}",
      E, D, F, N, observing, grouping, groups.size(), rate / 1e9, of_experts / observing / 1e9,
      in_all / observing / 1e9, in_all / observing / rate, peak / 1e9);
  if (samples > 0) {
    layer.samples = observer.samples();
    const Stopwatch search_watch;
    const FoundSubset found =
        find_subset_search("automatic")
            .find(ReconstructionError(layer, router),
                  {1, static_cast<int>(E / 2), std::vector<bool>(static_cast<std::size_t>(E), true)});
    const double searching = search_watch.seconds();
    const double each = seconds_of_running_subsets(moe, router, x.data(), samples, subsets);
    SimilarityOptions alone;
    alone.samples = samples;
    const Stopwatch outputs_watch;
    EveryExpertObserver outputs(moe, 0, samples, alone);
    infer::RoutingView few = all_tokens;
    few.tokens = samples;
    outputs.add(samples, x.data(), &few);
    const double once = outputs_watch.seconds();
    fmt::print(
        ", \"subsets\": {}, \"search_seconds\": {:.3f}, \"outputs_seconds\": {:.2f}, "
        "\"seconds_of_running_one_subset\": {:.2f}, \"times_faster\": {:.1f}",
        found.tried, searching, once, each, each * static_cast<double>(found.tried) / (once + searching));
  }
  fmt::print("}}\n");
}
