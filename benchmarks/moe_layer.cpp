// The MoE layer (router, top-1, grouped experts) against the dense FFN of the same width on the same tokens,
// in turns. Routing is balanced: token n prefers expert n mod E.
#include "train/moe_layer.h"

#include <fmt/format.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/machine.h"
#include "base/stopwatch.h"
#include "train/ops/threads.h"

using namespace espalier;

namespace {

constexpr std::int64_t kTokens = 4096;

struct Case {
  std::int64_t width, experts;
};

/// Tokens whose first E features say which expert they prefer, and a router that reads them.
struct Setting {
  torch::Tensor x;
  FeedForwardWeights ffn;
  train::MoeWeights moe;
};

Setting make_setting(Case c) {
  torch::manual_seed(1);
  const auto D = c.width, F = 4 * c.width, E = c.experts;
  const auto random = [](at::IntArrayRef shape) {
    return (0.02 * torch::randn(shape)).set_requires_grad(true);
  };
  Setting s{torch::randn({kTokens, D}) * 0.1, {random({F, D}), random({F}), random({D, F}), random({D})}, {}};
  s.moe.router = torch::eye(E, D).set_requires_grad(true);
  s.moe.experts = {random({E, F, D}), random({E, F}), random({E, D, F}), random({E, D})};
  for (std::int64_t n = 0; n < kTokens; ++n) s.x[n][n % E] = 4.0;
  s.x.set_requires_grad(true);
  return s;
}

torch::Tensor dense(const Setting& s, const Ops& ops) {
  return ops.feed_forward(s.x, s.ffn);
}
torch::Tensor sparse(const Setting& s, const Ops& ops) {
  return train::routed_experts(ops, s.moe, {}, s.x, 1, {}, 0).y;
}

template <typename Layer>
double seconds(Layer layer, bool backward) {
  const torch::AutoGradMode mode(backward);
  const Stopwatch watch;
  const auto y = layer();
  if (backward) y.backward(torch::ones_like(y));
  return watch.seconds();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(Case c, const Ops& ops, int rounds) {
  const auto s = make_setting(c);
  for (const bool backward : {false, true}) {
    std::vector<double> ratios, dense_rates, sparse_rates;
    for (int round = -2; round < rounds; ++round) {
      const double a = seconds([&] { return dense(s, ops); }, backward);
      const double b = seconds([&] { return sparse(s, ops); }, backward);
      if (round < 0) continue;
      ratios.push_back(a / b);
      dense_rates.push_back(kTokens / a);
      sparse_rates.push_back(kTokens / b);
    }
    fmt::print("| {} | {} | {} | {:.0f} | {:.0f} | {:.0f}% |\n", c.width, c.experts,
               backward ? "forward and backward" : "forward", median(dense_rates), median(sparse_rates),
               100 * median(ratios));
  }
}

}  // namespace

int main(int argc, char** argv) {
  int threads = hardware_threads(), rounds = 21;
  std::string backend = "onednn";
  CLI::App app("MoE layer against dense FFN, 4096 tokens, top-1, balanced routing");
  app.add_option("--threads", threads);
  app.add_option("--rounds", rounds);
  app.add_option("--backend", backend);
  CLI11_PARSE(app, argc, argv);
  configure_engine(threads);
  fmt::print(
      "| width | experts | pass | dense tokens/s | MoE tokens/s | MoE / dense "
      "|\n|---|---|---|---|---|---|\n");
  for (const Case c : {Case{256, 8}, Case{256, 32}, Case{768, 8}, Case{768, 32}})
    compare(c, ops(parse_backend(backend)), rounds);
}
