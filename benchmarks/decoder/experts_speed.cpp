// A Mixture-of-Experts feed-forward layer of a decoder with statistics of its experts, on routed rows: the
// other side, every expert on every token into one [E, N, D] tensor, is peers/pytorch_experts.py. Prints one
// JSON object a row.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>

#include "base/machine.h"
#include "base/stopwatch.h"
#include "infer/experts.h"
#include "infer/threads.h"
#include "observe/layer_observer.h"
#include "random_weights.h"

using namespace espalier;

int main(int argc, char** argv) {
  std::int64_t N = 2048, D = 1024, F = 512, E = 8, K = 2;
  int threads = hardware_threads(), runs = 5;
  CLI::App app("experts of a decoder on routed rows");
  app.add_option("--tokens", N);
  app.add_option("--width", D);
  app.add_option("--ffn", F);
  app.add_option("--experts", E);
  app.add_option("--experts-per-token", K);
  app.add_option("--runs", runs);
  app.add_option("--threads", threads);
  CLI11_PARSE(app, argc, argv);
  infer::configure_threads(threads);
  Rng rng(1);
  const Buffer<float> x = random_values(rng, N * D, 1);
  infer::DecoderMoe moe;
  moe.router = random_weight(rng, E, D, 0.05);
  for (std::int64_t e = 0; e < E; ++e)
    moe.experts.push_back(
        {random_weight(rng, F, D, 0.03), random_weight(rng, F, D, 0.03), random_weight(rng, D, F, 0.03)});
  const auto before = resident_bytes();
  std::vector<double> seconds, processor;
  for (int run = -1; run < runs; ++run) {
    const Stopwatch watch;
    const std::clock_t start = std::clock();
    LayerObserver observer(0, E, D);
    Buffer<float> y(N * D);
    y.fill(0);
    add_experts(moe, {.experts_per_token = K}, N, x.data(), y.data(),
                {[&](const infer::RoutingView& choice) { observer.routed(choice); },
                 [&](const infer::ExpertOutput& output) { observer.computed(output); }});
    if (run < 0) continue;
    seconds.push_back(watch.seconds());
    processor.push_back(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  std::sort(seconds.begin(), seconds.end());
  std::sort(processor.begin(), processor.end());
  fmt::print(
      "{{\"experts\": {}, \"experts_per_token\": {}, \"tokens\": {}, \"width\": {}, \"ffn\": {}, "
      "\"seconds_median\": {:.4f}, "
      "\"min\": {:.4f}, \"max\": {:.4f}, \"processor_seconds_median\": {:.4f}, \"bytes_over_weights\": "
      "{}}}\n",
      E, K, N, D, F, seconds[seconds.size() / 2], seconds.front(), seconds.back(),
      processor[processor.size() / 2], peak_resident_bytes() - std::min(before, peak_resident_bytes()));
}
