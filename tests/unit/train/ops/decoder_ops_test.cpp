// What decoders are trained with, against plain loops and their numeric gradients, on both backends.
#include "train/ops/ops.h"

#include "reference/gated.h"
#include "unit/train/ops/backends.h"

namespace espalier {
namespace {

/// Of central differences in float64, and of float32 sums.
constexpr double kNumericTolerance = 1e-5;

/// dy for an output of so many elements.
Values some_gradient(std::size_t count) {
  return random_values(static_cast<std::int64_t>(count), 99);
}
void backward(const torch::Tensor& y, const Values& dy) {
  y.backward(torch::tensor(dy, torch::kFloat64).view(y.sizes()).to(y.dtype()));
}
void expect_gradient(const torch::Tensor& leaf, const std::function<Values(const Values&)>& f,
                     const Values& at, const Values& dy, const std::string& what) {
  expect_close(leaf.grad(), reference::numeric_gradient(f, at, dy), kNumericTolerance, what);
}

ESPALIER_ON_BACKENDS(DecoderOperations);

TEST_P(DecoderOperations, RmsNorm) {
  // One column would be normalised to +-1: its gradient is all cancellation.
  for (const auto& [N, D] : {std::pair{1, 3}, {5, 7}, {70, 33}}) {
    const Values x = random_values(N * D, 1), gamma = random_values(D, 2);
    auto a = leaf(x, {N, D}, GetParam()), g = leaf(gamma, {D}, GetParam());
    const auto y = ops(GetParam()).rms_norm(a, g, 1e-5);
    expect_close(y, reference::rms_norm(x, gamma, 1e-5), tolerance(GetParam()), "y");
    const Values dy = some_gradient(x.size());
    backward(y, dy);
    expect_gradient(
        a, [&](const Values& v) { return reference::rms_norm(v, gamma, 1e-5); }, x, dy, "dx");
    expect_gradient(
        g, [&](const Values& v) { return reference::rms_norm(x, v, 1e-5); }, gamma, dy, "dgamma");
  }
}

TEST_P(DecoderOperations, GatedFfn) {
  constexpr std::int64_t N = 9, D = 6, F = 5;
  const Values x = random_values(N * D, 1), gate_up = random_values(2 * F * D, 2),
               down = random_values(D * F, 3);
  auto a = leaf(x, {N, D}, GetParam()), g = leaf(gate_up, {2 * F, D}, GetParam()),
       d = leaf(down, {D, F}, GetParam());
  const auto y = ops(GetParam()).feed_forward(a, FeedForwardWeights::gated(g, d));
  expect_close(y, reference::gated_ffn(x, gate_up, down, D), tolerance(GetParam()), "y");
  const Values dy = some_gradient(x.size());
  backward(y, dy);
  expect_gradient(
      a, [&](const Values& v) { return reference::gated_ffn(v, gate_up, down, D); }, x, dy, "dx");
  expect_gradient(
      g, [&](const Values& v) { return reference::gated_ffn(x, v, down, D); }, gate_up, dy, "dgate_up");
  expect_gradient(
      d, [&](const Values& v) { return reference::gated_ffn(x, gate_up, v, D); }, down, dy, "ddown");
}

struct ExpertCase {
  std::size_t N, K, E, D, F;
  Indices chosen;
  Values x, gates, gate_up, down;

  Values run(const Values& x_now, const Values& gates_now, const Values& gate_up_now,
             const Values& down_now) const {
    Values y(N * D, 0.0);
    const auto slice = [](const Values& all, std::size_t i, std::size_t size) {
      return Values(all.begin() + static_cast<std::ptrdiff_t>(i * size),
                    all.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
    };
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (chosen[i] < 0) continue;
      const auto e = static_cast<std::size_t>(chosen[i]);
      const Values out = reference::gated_ffn(slice(x_now, i / K, D), slice(gate_up_now, e, 2 * F * D),
                                              slice(down_now, e, D * F), D);
      for (std::size_t j = 0; j < D; ++j) y[i / K * D + j] += gates_now[i] * out[j];
    }
    return y;
  }
};

void expect_experts(Backend backend, const ExpertCase& c) {
  const auto N = static_cast<std::int64_t>(c.N), K = static_cast<std::int64_t>(c.K),
             E = static_cast<std::int64_t>(c.E), D = static_cast<std::int64_t>(c.D),
             F = static_cast<std::int64_t>(c.F);
  auto x = leaf(c.x, {N, D}, backend), gates = leaf(c.gates, {N, K}, backend),
       gate_up = leaf(c.gate_up, {E, 2 * F, D}, backend), down = leaf(c.down, {E, D, F}, backend);
  const auto chosen = torch::tensor(c.chosen, torch::kInt32).view({N, K});
  const auto y = ops(backend).experts(x, gates, chosen, FeedForwardWeights::gated(gate_up, down), {});
  expect_close(y, c.run(c.x, c.gates, c.gate_up, c.down), tolerance(backend), "y");
  const Values dy = some_gradient(c.x.size());
  backward(y, dy);
  expect_gradient(
      x, [&](const Values& v) { return c.run(v, c.gates, c.gate_up, c.down); }, c.x, dy, "dx");
  expect_gradient(
      gates, [&](const Values& v) { return c.run(c.x, v, c.gate_up, c.down); }, c.gates, dy, "dgates");
  expect_gradient(
      gate_up, [&](const Values& v) { return c.run(c.x, c.gates, v, c.down); }, c.gate_up, dy, "dgate_up");
  expect_gradient(
      down, [&](const Values& v) { return c.run(c.x, c.gates, c.gate_up, v); }, c.down, dy, "ddown");
}

TEST_P(DecoderOperations, Experts) {
  struct Shape {
    const char* what;
    std::size_t N, K, E;
    Indices chosen;
  };
  const Shape shapes[] = {{"one token", 1, 1, 3, {2}},
                          {"an expert with none, one with one", 4, 1, 4, {0, 0, 3, 0}},
                          {"a token without an expert", 3, 1, 2, {0, -1, 1}},
                          {"two a token", 5, 2, 4, {0, 1, 1, 2, 3, 0, 2, 1, 1, 3}}};
  for (const auto& shape : shapes) {
    SCOPED_TRACE(shape.what);
    ExpertCase c{shape.N, shape.K, shape.E, 5, 4, shape.chosen, {}, {}, {}, {}};
    const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    c.x = random_values(count(c.N * c.D), 1);
    c.gates = random_values(count(c.N * c.K), 2);
    c.gate_up = random_values(count(c.E * 2 * c.F * c.D), 3);
    c.down = random_values(count(c.E * c.D * c.F), 4);
    expect_experts(GetParam(), c);
  }
}

/// Many rows, so that threads share experts: against the other backend in float64.
TEST_P(DecoderOperations, ManyRowsOnTwoThreads) {
  const Threads two(2);
  constexpr std::int64_t N = 900, D = 24, F = 16, E = 3;
  Indices chosen;
  for (std::int64_t n = 0; n < N; ++n) chosen.push_back(static_cast<std::int32_t>(n % 7 < 4 ? 0 : n % 2 + 1));
  const Values xs = random_values(N * D, 1), g = random_values(N, 2),
               up = random_values(E * 2 * F * D, 3, 0.3), dn = random_values(E * D * F, 4, 0.3),
               dy = some_gradient(static_cast<std::size_t>(N * D));
  const auto run = [&](Backend backend) {
    std::vector<torch::Tensor> leaves = {leaf(xs, {N, D}, backend), leaf(g, {N, 1}, backend),
                                         leaf(up, {E, 2 * F, D}, backend), leaf(dn, {E, D, F}, backend)};
    backward(ops(backend).experts(leaves[0], leaves[1], torch::tensor(chosen, torch::kInt32).view({N, 1}),
                                  FeedForwardWeights::gated(leaves[2], leaves[3]), {}),
             dy);
    return leaves;
  };
  const auto found = run(GetParam()), expected = run(Backend::kTorch);
  for (std::size_t i = 0; i < found.size(); ++i)
    expect_close(found[i].grad(), values_of(expected[i].grad()), kFloat32Tolerance, std::to_string(i));
}

double angle(std::size_t position, std::size_t pair) {
  return 0.3 * static_cast<double>(position) / static_cast<double>(pair + 1);
}

RopeTable table_of(std::size_t positions, std::size_t pairs) {
  Values cosine, sine;
  for (std::size_t t = 0; t < positions; ++t)
    for (std::size_t p = 0; p < pairs; ++p) {
      cosine.push_back(std::cos(angle(t, p)));
      sine.push_back(std::sin(angle(t, p)));
    }
  const auto shape = {static_cast<std::int64_t>(positions), static_cast<std::int64_t>(pairs)};
  return {torch::tensor(cosine, torch::kFloat64).view(shape).to(torch::kFloat32),
          torch::tensor(sine, torch::kFloat64).view(shape).to(torch::kFloat32)};
}

AttentionHeads heads_of(const reference::Heads& h) {
  return {.heads = static_cast<std::int64_t>(h.H),
          .key_value_heads = static_cast<std::int64_t>(h.G),
          .key_width = static_cast<std::int64_t>(h.d),
          .value_width = static_cast<std::int64_t>(h.v),
          .causal = true,
          .window = static_cast<std::int64_t>(h.window),
          .scale = static_cast<float>(h.scale),
          .turned_from = static_cast<std::int64_t>(h.turned_from),
          .interleaved = h.interleaved};
}

struct AttentionCase {
  const char* what;
  reference::Heads heads;
  std::vector<std::size_t> lengths;
};

void expect_attention(Backend backend, const AttentionCase& c) {
  const auto& h = c.heads;
  SequenceLayout layout;
  std::size_t N = 0;
  for (const auto length : c.lengths) {
    layout.append(static_cast<std::int64_t>(length));
    N += length;
  }
  const auto row = static_cast<std::int64_t>(h.row());
  const auto reference_of = [&](const Values& qkv) {
    Values y;
    std::size_t first = 0;
    for (const auto length : c.lengths) {
      const auto begin = qkv.begin() + static_cast<std::ptrdiff_t>(first * h.row());
      const Values one = reference::causal_attention(
          Values(begin, begin + static_cast<std::ptrdiff_t>(length * h.row())), h, angle);
      y.insert(y.end(), one.begin(), one.end());
      first += length;
    }
    return y;
  };
  const Values values = random_values(static_cast<std::int64_t>(N) * row, 1);
  auto qkv = leaf(values, {static_cast<std::int64_t>(N), row}, backend);
  const AttentionHeads heads = heads_of(h);
  const auto y = ops(backend).attention(qkv, layout, heads, table_of(N, (h.d - h.turned_from) / 2), {});
  // The table of angles is float32 on both backends.
  expect_close(y, reference_of(values), kFloat32Tolerance, "y");
  const Values dy = some_gradient(N * h.H * h.v);
  backward(y, dy);
  expect_gradient(qkv, reference_of, values, dy, "dqkv");
}

TEST_P(DecoderOperations, CausalAttention) {
  const AttentionCase cases[] = {
      {"one head", {1, 1, 4, 4, 0, false, 0, 0.5}, {6}},
      {"one token", {2, 2, 4, 4, 0, false, 0, 0.5}, {1}},
      {"grouped, sequences of several lengths", {4, 2, 4, 4, 0, false, 0, 0.5}, {5, 1, 7}},
      {"a window", {2, 1, 4, 4, 0, false, 3, 0.5}, {8}},
      {"part of a head turns, values are narrower", {2, 2, 6, 3, 2, true, 0, 0.4}, {4, 3}}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    expect_attention(GetParam(), c);
  }
}

/// Longer than a block of queries: the forward pass alone, the numeric gradient would take minutes.
TEST_P(DecoderOperations, CausalAttentionOverSeveralBlocks) {
  for (const std::size_t window : {0U, 40U}) {
    const reference::Heads h{2, 1, 4, 4, 0, false, window, 0.5};
    const Values values = random_values(300 * static_cast<std::int64_t>(h.row()), 1);
    const AttentionHeads heads = heads_of(h);
    const auto y = ops(GetParam())
                       .attention(leaf(values, {300, static_cast<std::int64_t>(h.row())}, GetParam()),
                                  SequenceLayout::uniform(1, 300), heads, table_of(300, 2), {});
    expect_close(y, reference::causal_attention(values, h, angle), 2e-5, "y");  // angles up to 90 in float32
  }
}

/// Dropout is drawn by blocks of queries, alike on both backends; against the other one in float64.
TEST_P(DecoderOperations, CausalAttentionDropsTheSameProbabilities) {
  for (const std::size_t window : {0U, 40U}) {
    const reference::Heads h{4, 2, 4, 4, 0, false, window, 0.5};
    const Values values = random_values(300 * static_cast<std::int64_t>(h.row()), 1),
                 dy = some_gradient(300 * 16);
    SequenceLayout layout;
    layout.append(270);
    layout.append(30);
    const auto run = [&](Backend backend) {
      auto qkv = leaf(values, {300, static_cast<std::int64_t>(h.row())}, backend);
      const auto y = ops(backend).attention(qkv, layout, heads_of(h), table_of(300, 2), {0.3, 12345});
      backward(y, dy);
      return std::pair(values_of(y), values_of(qkv.grad()));
    };
    const auto found = run(GetParam()), expected = run(Backend::kTorch);
    expect_close(found.first, expected.first, 2e-5, "y");  // angles up to 90 in float32
    expect_close(found.second, expected.second, 2e-5, "dqkv");
  }
}

TEST_P(DecoderOperations, LooksUpAndAddsUpWhatAnIdGot) {
  const Values table = random_values(5 * 3, 1);
  auto t = leaf(table, {5, 3}, GetParam());
  const auto y =
      ops(GetParam())
          .embed({t, {}, {}}, torch::tensor(std::vector<std::int64_t>{4, 0, 4}, torch::kInt64), {}, {});
  EXPECT_EQ(values_of(y[0]), values_of(t[4]));
  backward(y, {1, 2, 3, 10, 20, 30, 4, 5, 6});
  EXPECT_EQ(values_of(t.grad()), (Values{10, 20, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 7, 9}));
}

}  // namespace
}  // namespace espalier
