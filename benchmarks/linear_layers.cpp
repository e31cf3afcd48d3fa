// A linear layer, forward and backward, against oneDNN's own float32 rate at its three products: the faster
// of a matmul primitive made beforehand and of dnnl_sgemm, each product alone. In turns; medians.
#include <fmt/format.h>
#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <dnnl.hpp>
#include <functional>

#include "base/machine.h"
#include "base/stopwatch.h"
#include "train/ops/ops.h"
#include "train/ops/threads.h"

using namespace espalier;

namespace {

struct Shape {
  std::int64_t rows, in, out;
};

// Of the 6 x 256 model and of the mini model: q, k and v; attention's output; both halves of the FFN, dense
// and as an eighth of the tokens; the vocabulary head on the masked tokens.
constexpr Shape kShapes[] = {{4096, 256, 768}, {4096, 256, 256}, {4096, 256, 1024}, {4096, 1024, 256},
                             {512, 256, 1024}, {512, 1024, 256}, {614, 256, 8192},  {4096, 160, 480},
                             {4096, 160, 640}, {4096, 640, 160}, {512, 160, 640},   {614, 160, 8192}};

/// c [m, n] = a [m, k] b [k, n], either read transposed.
struct Product {
  std::int64_t m, n, k;
  bool turn_a, turn_b;
  const float *a, *b;
  float* c;
};

std::function<void()> by_primitive(const Product& p) {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  using Layout = dnnl::memory::format_tag;
  const auto matrix = [](std::int64_t rows, std::int64_t columns, bool turned) {
    return dnnl::memory::desc({rows, columns}, dnnl::memory::data_type::f32,
                              turned ? Layout::ba : Layout::ab);
  };
  const auto a = matrix(p.m, p.k, p.turn_a), b = matrix(p.k, p.n, p.turn_b), c = matrix(p.m, p.n, false);
  const dnnl::matmul matmul(dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, c), engine));
  const dnnl::memory ma(a, engine, const_cast<float*>(p.a)), mb(b, engine, const_cast<float*>(p.b)),
      mc(c, engine, p.c);
  return [=] {
    dnnl::stream stream(engine);
    matmul.execute(stream, {{DNNL_ARG_SRC, ma}, {DNNL_ARG_WEIGHTS, mb}, {DNNL_ARG_DST, mc}});
    stream.wait();
  };
}

std::function<void()> by_sgemm(const Product& p) {
  return [p] {
    dnnl_sgemm(p.turn_a ? 'T' : 'N', p.turn_b ? 'T' : 'N', p.m, p.n, p.k, 1, p.a, p.turn_a ? p.m : p.k, p.b,
               p.turn_b ? p.k : p.n, 0, p.c, p.n);
  };
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const Shape& s, const Ops& ops, int rounds) {
  torch::manual_seed(1);
  auto x = torch::randn({s.rows, s.in}).set_requires_grad(true);
  auto w = (0.05 * torch::randn({s.out, s.in})).set_requires_grad(true);
  auto bias = torch::randn({s.out}).set_requires_grad(true);
  const auto dy = torch::randn({s.rows, s.out});
  auto y = torch::empty({s.rows, s.out}), dx = torch::empty({s.rows, s.in}), dw = torch::empty({s.out, s.in});
  const float *px = x.data_ptr<float>(), *pw = w.data_ptr<float>(), *pdy = dy.data_ptr<float>();
  const Product products[] = {
      {s.rows, s.out, s.in, false, true, px, pw, y.data_ptr<float>()},
      {s.rows, s.in, s.out, false, false, pdy, pw, dx.data_ptr<float>()},
      {s.out, s.in, s.rows, true, false, pdy, px, dw.data_ptr<float>()},
  };
  std::vector<std::function<void()>> ways{[&] { ops.linear(x, w, bias).backward(dy); }};
  for (const auto& product : products) ways.insert(ways.end(), {by_primitive(product), by_sgemm(product)});
  std::vector<std::vector<double>> seconds(ways.size());
  for (int round = -2; round < rounds; ++round)
    for (std::size_t i = 0; i < ways.size(); ++i) {
      x.mutable_grad() = w.mutable_grad() = bias.mutable_grad() = torch::Tensor();
      const Stopwatch watch;
      ways[i]();
      if (round >= 0) seconds[i].push_back(watch.seconds());
    }
  double own = 0;
  for (std::size_t i = 1; i < ways.size(); i += 2)
    own += std::min(median(seconds[i]), median(seconds[i + 1]));
  const double giga = 6e-9 * static_cast<double>(s.rows * s.in * s.out), layer = median(seconds[0]);
  fmt::print("| {} | {} | {} | {:.0f} | {:.0f} | {:.0f}% |\n", s.rows, s.in, s.out, giga / layer, giga / own,
             100 * own / layer);
}

}  // namespace

int main(int argc, char** argv) {
  int threads = hardware_threads(), rounds = 15;
  CLI::App app("Linear layers, forward and backward with bias, against oneDNN's products alone");
  app.add_option("--threads", threads);
  app.add_option("--rounds", rounds);
  CLI11_PARSE(app, argc, argv);
  configure_engine(threads);
  fmt::print(
      "| tokens | in | out | layer GFLOP/s | oneDNN GFLOP/s | layer / oneDNN |\n|---|---|---|---|---|---|\n");
  for (const auto& shape : kShapes) compare(shape, ops(Backend::kOneDnn), rounds);
}
