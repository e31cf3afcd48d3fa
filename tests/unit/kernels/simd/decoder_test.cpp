#include "unit/kernels/simd/variants.h"

namespace espalier::simd {
namespace {

using DecoderKernels = SimdTest;

TEST_P(DecoderKernels, RmsNormMatchesItsFormulaInRowsThatLieApart) {
  for (const auto& [n, d] : kShapes) {
    SCOPED_TRACE(testing::Message() << n << " rows of " << d);
    const std::int64_t apart = d + 3;
    Floats x = random_floats(n * apart, 1);
    const Floats gamma = random_floats(d, 2), before = x;
    reference::Values want = widen(x);
    for (std::int64_t i = 0; i < n; ++i) {
      double squares = 0;
      for (std::int64_t j = 0; j < d; ++j) squares += std::pow(double{before[i * apart + j]}, 2);
      for (std::int64_t j = 0; j < d; ++j)
        want[i * apart + j] *= double{gamma[j]} / std::sqrt(squares / static_cast<double>(d) + 1e-5);
    }
    simd().rms_norm({.x = x.data(),
                     .gamma = gamma.data(),
                     .y = x.data(),
                     .n = n,
                     .d = d,
                     .x_stride = apart,
                     .y_stride = apart,
                     .eps = 1e-5F});
    expect_close(x, want, kTolerance, "y");
  }
}

TEST_P(DecoderKernels, SiluTimesUp) {
  for (const std::int64_t count : {0, 1, 17, 1000, 40000}) {
    Floats gate = random_floats(count, 1, 20);
    const Floats up = random_floats(count, 2);
    if (count > 3) gate[3] = -200.0F;
    reference::Values want;
    for (std::int64_t i = 0; i < count; ++i)
      want.push_back(double{gate[i]} / (1 + std::exp(-double{gate[i]})) * double{up[i]});
    simd().silu_multiply(gate.data(), up.data(), count);
    expect_close(gate, want, kTolerance, "silu(gate) * up");
  }
}

TEST_P(DecoderKernels, RmsNormBackwardMatchesItsFormula) {
  for (const auto& [n, d] : kShapes) {
    SCOPED_TRACE(testing::Message() << n << " rows of " << d);
    const Floats x = random_floats(n * d, 1), dy = random_floats(n * d, 2), gamma = random_floats(d, 3);
    reference::Values dx(n * d, 0.0), dgamma(d, 0.0);
    for (std::int64_t i = 0; i < n; ++i) {
      double squares = 0, along = 0;
      for (std::int64_t j = 0; j < d; ++j) squares += std::pow(double{x[i * d + j]}, 2);
      const double r = 1 / std::sqrt(squares / static_cast<double>(d) + 1e-5);
      for (std::int64_t j = 0; j < d; ++j) {
        along += double{dy[i * d + j]} * double{gamma[j]} * double{x[i * d + j]};
        dgamma[j] += double{dy[i * d + j]} * double{x[i * d + j]} * r;
      }
      for (std::int64_t j = 0; j < d; ++j)
        dx[i * d + j] = double{dy[i * d + j]} * double{gamma[j]} * r -
                        double{x[i * d + j]} * r * r * r * along / static_cast<double>(d);
    }
    Floats found = dy, sums(d, 7.0F);
    simd().rms_norm_backward({.dy = found.data(),
                              .x = x.data(),
                              .gamma = gamma.data(),
                              .dx = found.data(),
                              .dgamma = sums.data(),
                              .n = n,
                              .d = d,
                              .eps = 1e-5F});
    expect_close(found, dx, kTolerance, "dx");
    expect_close(sums, dgamma, kTolerance, "dgamma");
  }
}

TEST_P(DecoderKernels, SiluTimesUpOfRowsAndBack) {
  const std::int64_t n = 5, f = 19, apart = 22, wide = 2 * f + 3;
  Floats gate_up = random_floats(n * 2 * f, 1, 3);
  gate_up[3] = -200.0F;
  const Floats da = random_floats(n * apart, 2);
  Floats a(n * apart, 7.0F), back(n * wide, 7.0F);
  reference::Values want(n * apart, 7.0), want_back(n * wide, 7.0);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < f; ++j) {
      const double g = gate_up[i * 2 * f + j], u = gate_up[i * 2 * f + f + j], d = da[i * apart + j];
      const double s = 1 / (1 + std::exp(-g));
      want[i * apart + j] = g * s * u;
      want_back[i * wide + j] = d * u * s * (1 + g * (1 - s));
      want_back[i * wide + f + j] = d * g * s;
    }
  simd().silu_multiply_rows({.gate_up = gate_up.data(), .a = a.data(), .n = n, .f = f, .a_stride = apart});
  simd().silu_multiply_backward({.gate_up = gate_up.data(),
                                 .da = da.data(),
                                 .dgate_up = back.data(),
                                 .n = n,
                                 .f = f,
                                 .da_stride = apart,
                                 .stride = wide});
  expect_close(a, want, kTolerance, "silu(gate) * up");
  expect_close(back, want_back, kTolerance, "dgate, dup");
}

TEST_P(DecoderKernels, RopeTurnsBothKindsOfPairs) {
  const std::int64_t n = 5, heads = 3, width = 38, head_stride = 41, stride = heads * head_stride + 2;
  const Floats angles = random_floats(n * width / 2, 1);
  Floats cosine, sine;
  for (const float angle : angles) {
    cosine.push_back(std::cos(angle));
    sine.push_back(std::sin(angle));
  }
  for (const RopePairs pairs : {RopePairs::kHalves, RopePairs::kNeighbours}) {
    Floats x = random_floats(n * stride, 2);
    reference::Values want = widen(x);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t h = 0; h < heads; ++h)
        for (std::int64_t j = 0; j < width / 2; ++j) {
          const std::int64_t at = i * stride + h * head_stride;
          double& a = want[at + (pairs == RopePairs::kHalves ? j : 2 * j)];
          double& b = want[at + (pairs == RopePairs::kHalves ? j + width / 2 : 2 * j + 1)];
          const double c = cosine[i * width / 2 + j], s = sine[i * width / 2 + j], turned = a * c - b * s;
          b = b * c + a * s;
          a = turned;
        }
    simd().rope({.x = x.data(),
                 .cosine = cosine.data(),
                 .sine = sine.data(),
                 .n = n,
                 .stride = stride,
                 .heads = heads,
                 .head_stride = head_stride,
                 .width = width,
                 .pairs = pairs});
    expect_close(x, want, kTolerance, pairs == RopePairs::kHalves ? "halves" : "neighbours");
  }
}

TEST_P(DecoderKernels, CausalSoftmaxSeesTheWindowAndNothingElse) {
  const std::int64_t rows = 9, keys = 41, first = 30;
  for (const std::int64_t window : {0, 1, 5, 36, 100}) {
    SCOPED_TRACE(testing::Message() << "window " << window);
    Floats scores = random_floats(rows * keys, 1, 10);
    reference::Values want(rows * keys, 0.0);
    for (std::int64_t i = 0; i < rows; ++i) {
      double sum = 0;
      for (std::int64_t j = 0; j < keys; ++j) {
        const bool seen = j <= first + i && (window == 0 || j > first + i - window);
        if (seen) sum += want[i * keys + j] = std::exp(0.5 * double{scores[i * keys + j]});
      }
      for (std::int64_t j = 0; j < keys; ++j) want[i * keys + j] /= sum;
    }
    simd().causal_softmax({.scores = scores.data(),
                           .rows = rows,
                           .keys = keys,
                           .first = first,
                           .window = window,
                           .scale = 0.5F});
    expect_close(scores, want, kTolerance, "probabilities");
  }
}

// A sink takes its share of each row, also where it is far above all scores; chunks begin at multiples of
// their size.
TEST_P(DecoderKernels, CausalSoftmaxWithASinkAndChunks) {
  constexpr std::int64_t kRows = 9, kKeys = 21, kFirst = 12, kChunk = 8, kPosition = 5;
  for (const float sink : {-2.0F, 0.5F, 120.0F}) {
    Floats scores = random_floats(kRows * kKeys, 9);
    reference::Values want(scores.size());
    for (std::int64_t i = 0; i < kRows; ++i) {
      const auto chunk = (kPosition + kFirst + i) / kChunk;
      double sum = std::exp(double{sink});
      for (std::int64_t j = 0; j <= kFirst + i; ++j)
        if ((kPosition + j) / kChunk == chunk)
          sum += want[i * kKeys + j] = std::exp(0.5 * double{scores[i * kKeys + j]});
      for (std::int64_t j = 0; j < kKeys; ++j) want[i * kKeys + j] /= sum;
    }
    simd().causal_softmax({.scores = scores.data(),
                           .rows = kRows,
                           .keys = kKeys,
                           .first = kFirst,
                           .scale = 0.5F,
                           .chunk = kChunk,
                           .position = kPosition,
                           .sink = &sink});
    expect_close(scores, want, kTolerance, "probabilities");
  }
}

TEST_P(DecoderKernels, ScatteredRowsAndNorms) {
  for (const auto& [n, d] : kShapes) {
    const Floats x = random_floats(n * d, 1), gates = random_floats(n, 2);
    Floats y = random_floats(2 * n * d, 3), norms(n);
    Indices token(n);
    for (std::int64_t r = 0; r < n; ++r) token[r] = static_cast<std::int32_t>(2 * r + 1);
    reference::Values want = widen(y), want_norms(n);
    for (std::int64_t r = 0; r < n; ++r) {
      double squares = 0;
      for (std::int64_t j = 0; j < d; ++j) {
        want[token[r] * d + j] += double{gates[r]} * double{x[r * d + j]};
        squares += std::pow(double{x[r * d + j]}, 2);
      }
      want_norms[r] = std::sqrt(squares);
    }
    simd().scatter_rows(
        {.x = x.data(), .token = token.data(), .gates = gates.data(), .y = y.data(), .rows = n, .d = d});
    simd().row_norms(x.data(), n, d, norms.data());
    expect_close(y, want, kTolerance, "y");
    expect_close(norms, want_norms, kTolerance, "norms");
  }
}

reference::Values product(const Floats& x, const Floats& w, std::int64_t n, std::int64_t in,
                          std::int64_t out) {
  reference::Values y(n * out, 0.0);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t j = 0; j < in; ++j) y[i * out + o] += double{x[i * in + j]} * double{w[o * in + j]};
  return y;
}

/// A weight that gives its rows when it is asked.
struct Weights {
  const Floats& floats;
  std::int64_t in;
  static void decode(const void* weights, std::int64_t first, std::int64_t count, float* to) {
    const auto& own = *static_cast<const Weights*>(weights);
    std::copy_n(own.floats.begin() + first * own.in, count * own.in, to);
  }
  EncodedRows rows() const { return {this, decode}; }
};

/// Rows that fill panels and parts of them, and outputs that fill blocks of rows of the weight and do not.
TEST_P(DecoderKernels, PanelProductsAreProducts) {
  for (const std::int64_t n : {1, 7, 16, 33, 48, 49, 130})
    for (const auto& [in, out] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {40, 8}, {33, 29}, {64, 96}}) {
      SCOPED_TRACE(testing::Message() << n << " rows, " << in << " to " << out);
      const std::int64_t in_stride = in + 2, out_stride = out + 5;
      const Floats wide = random_floats(2 * n * in_stride, 1), w = random_floats(out * in, 2);
      const Floats up = random_floats(out * in, 3);
      Indices index(n);
      Floats x;
      for (std::int64_t i = 0; i < n; ++i) {
        index[i] = static_cast<std::int32_t>(2 * n - 1 - 2 * i);
        x.insert(x.end(), wide.begin() + index[i] * in_stride, wide.begin() + index[i] * in_stride + in);
      }
      Floats x_panels(simd().panel_floats(n, in)), y_panels(simd().panel_floats(n, out));
      simd().pack_panels({.x = wide.data(),
                          .index = index.data(),
                          .panels = x_panels.data(),
                          .n = n,
                          .d = in,
                          .stride = in_stride});
      PanelProduct op{
          .x = x_panels.data(), .weight = w.data(), .y = y_panels.data(), .n = n, .in = in, .out = out};
      simd().panel_product(op);
      Floats y = random_floats(n * out_stride, 4);
      reference::Values want = widen(y);
      const reference::Values gate = product(x, w, n, in, out), ups = product(x, up, n, in, out);
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t o = 0; o < out; ++o) want[i * out_stride + o] += gate[i * out + o];
      simd().unpack_panels({.panels = y_panels.data(),
                            .x = y.data(),
                            .n = n,
                            .d = out,
                            .stride = out_stride,
                            .store = PanelStore::kAdd});
      expect_close(y, want, kTolerance, "added product");

      op.weight = up.data();
      op.gate = PanelGate::kSilu;
      simd().panel_product(op);
      Floats gated(n * out);
      simd().unpack_panels({.panels = y_panels.data(), .x = gated.data(), .n = n, .d = out, .stride = out});
      reference::Values want_gated(n * out);
      for (std::int64_t i = 0; i < n * out; ++i) want_gated[i] = gate[i] / (1 + std::exp(-gate[i])) * ups[i];
      expect_close(gated, want_gated, kTolerance, "gated product");

      Floats decoded(simd().panel_floats(n, out));
      const Weights encoded{w, in};
      const EncodedRows rows = encoded.rows();
      simd().panel_product(
          {.x = x_panels.data(), .weight = w.data(), .y = y_panels.data(), .n = n, .in = in, .out = out});
      simd().panel_product(
          {.x = x_panels.data(), .encoded = &rows, .y = decoded.data(), .n = n, .in = in, .out = out});
      EXPECT_EQ(decoded, y_panels);
    }
}

ESPALIER_FOR_EVERY_VARIANT(DecoderKernels);

}  // namespace
}  // namespace espalier::simd
