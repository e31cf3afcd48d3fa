// A Mixture-of-Experts feed-forward layer of a decoder with statistics of its experts, on routed rows: the
// other side, every expert on every token into one [E, N, D] tensor, is peers/pytorch_experts.py. Prints one
// JSON object a row.
#include <fmt/format.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/machine.h"
#include "base/stopwatch.h"
#include "moe/streamed_experts.h"
#include "nn/threads.h"
#include "observe/layer_observer.h"

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
  configure_engine(threads);
  torch::manual_seed(1);
  const auto x = torch::randn({N, D});
  DecoderMoe moe;
  moe.router = stored(torch::randn({E, D}) * 0.05);
  for (std::int64_t e = 0; e < E; ++e)
    moe.experts.push_back({stored(torch::randn({F, D}) * 0.03), stored(torch::randn({F, D}) * 0.03),
                           stored(torch::randn({D, F}) * 0.03)});
  const auto before = resident_bytes();
  std::vector<double> seconds;
  for (int run = -1; run < runs; ++run) {
    const Stopwatch watch;
    LayerObserver observer(0, E, D);
    auto y = torch::zeros({N, D});
    add_experts(moe, {.experts_per_token = K}, N, x.data_ptr<float>(), y.data_ptr<float>(),
                {[&](const TokenChoice& choice) { observer.routed(choice); },
                 [&](const ExpertOutput& output) { observer.computed(output); }});
    if (run >= 0) seconds.push_back(watch.seconds());
  }
  std::sort(seconds.begin(), seconds.end());
  fmt::print(
      "{{\"experts\": {}, \"experts_per_token\": {}, \"tokens\": {}, \"width\": {}, \"ffn\": {}, "
      "\"seconds_median\": {:.4f}, "
      "\"min\": {:.4f}, \"max\": {:.4f}, \"bytes_over_weights\": {}}}\n",
      E, K, N, D, F, seconds[seconds.size() / 2], seconds.front(), seconds.back(),
      peak_resident_bytes() - std::min(before, peak_resident_bytes()));
}
