#include <limits>

#include "unit/kernels/simd/variants.h"

namespace espalier::simd {
namespace {

using SoftmaxTest = SimdTest;

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

struct AttentionShape {
  std::int64_t batch, rows, keys;
};
const std::vector<AttentionShape> kAttentionShapes = {{0, 4, 4},  {1, 1, 1},   {2, 3, 7},
                                                      {3, 8, 16}, {4, 62, 31}, {2, 300, 160}};

/// Scores as the softmax sees them: scaled, and -inf where a key does not count.
reference::Values masked(const Floats& scores, const AttentionShape& s, float scale, const Indices& lengths,
                         const Floats& additive) {
  reference::Values x = widen(scores);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto key = static_cast<std::int64_t>(i) % s.keys;
    const auto sequence = static_cast<std::int64_t>(i) / s.keys / s.rows;
    x[i] = x[i] * scale + (additive.empty() ? 0.0 : double{additive[sequence * s.keys + key]});
    if (!lengths.empty() && key >= lengths[sequence]) x[i] = kMinusInfinity;
  }
  return x;
}

void check(const Kernels& simd, const AttentionShape& s, const Indices& lengths, const Floats& additive,
           DropoutKey key) {
  const std::int64_t count = s.batch * s.rows * s.keys;
  const float scale = 0.37F;
  const Floats scores = random_floats(count, 1, 8);
  Floats p = scores;
  Floats dropped(count, 5.0F);
  const std::int32_t* length = lengths.empty() ? nullptr : lengths.data();
  simd.attention_softmax({.scores = p.data(),
                          .lengths = length,
                          .additive = additive.empty() ? nullptr : additive.data(),
                          .dropped = dropped.data(),
                          .batch = s.batch,
                          .rows = s.rows,
                          .keys = s.keys,
                          .scale = scale,
                          .dropout = key});
  const reference::Values want = reference::softmax(masked(scores, s, scale, lengths, additive), s.keys);
  expect_close(p, want, 1e-6, "p");
  expect_close(dropped, key.p > 0 ? apply_dropout(want, key) : reference::Values(count, 5.0), 1e-6,
               "dropped");

  const Floats gradient = random_floats(count, 2);
  Floats ds = gradient;
  simd.attention_softmax_backward({.p = p.data(),
                                   .gradient = ds.data(),
                                   .lengths = length,
                                   .batch = s.batch,
                                   .rows = s.rows,
                                   .keys = s.keys,
                                   .scale = scale,
                                   .dropout = key});
  reference::Values want_ds = reference::softmax_backward(want, apply_dropout(widen(gradient), key), s.keys);
  for (double& v : want_ds) v *= scale;
  expect_close(ds, want_ds, 1e-6, "ds");
}

TEST_P(SoftmaxTest, AttentionMatchesTheReference) {
  for (const AttentionShape& s : kAttentionShapes) {
    SCOPED_TRACE(testing::Message() << s.batch << " x " << s.rows << " x " << s.keys);
    Indices lengths;
    Floats additive(s.batch * s.keys, 0.0F);
    for (std::int64_t b = 0; b < s.batch; ++b) {
      lengths.push_back(static_cast<std::int32_t>(b == 0 ? s.keys : (s.keys * b + 1) % (s.keys + 1)));
      for (std::int64_t j = 0; j < s.keys; j += 3) additive[b * s.keys + j] = j % 2 == 0 ? -1e4F : 0.5F;
    }
    for (const DropoutKey key : {DropoutKey{}, DropoutKey{.key = 11, .p = 0.2F}}) {
      check(simd(), s, {}, {}, key);
      check(simd(), s, lengths, {}, key);
      check(simd(), s, {}, additive, key);
    }
  }
}

TEST_P(SoftmaxTest, RowsWithoutKeysBecomeZeros) {
  const float minus_infinity = -std::numeric_limits<float>::infinity();
  const Floats additive(19, minus_infinity);
  Floats scores(2 * 19, 1.0F);
  simd().attention_softmax(
      {.scores = scores.data(), .additive = additive.data(), .batch = 1, .rows = 2, .keys = 19});
  EXPECT_EQ(scores, Floats(2 * 19, 0.0F));
  const Indices none = {0};
  scores.assign(2 * 19, std::numeric_limits<float>::quiet_NaN());
  simd().attention_softmax(
      {.scores = scores.data(), .lengths = none.data(), .batch = 1, .rows = 2, .keys = 19});
  EXPECT_EQ(scores, Floats(2 * 19, 0.0F));
}

TEST_P(SoftmaxTest, NanSpreadsOverItsRowOnly) {
  Floats scores(2 * 19, 1.0F);
  scores[5] = std::numeric_limits<float>::quiet_NaN();
  simd().attention_softmax({.scores = scores.data(), .batch = 1, .rows = 2, .keys = 19});
  for (int j = 0; j < 19; ++j) {
    EXPECT_TRUE(std::isnan(scores[j]));
    EXPECT_FALSE(std::isnan(scores[19 + j]));
  }
}

TEST_P(SoftmaxTest, LargeScoresDoNotOverflow) {
  Floats scores = {1e30F, -1e30F, 1e30F, 88.0F, 3e38F};
  scores.back() = 1e30F;
  simd().attention_softmax({.scores = scores.data(), .batch = 1, .rows = 1, .keys = 5});
  expect_close(scores, {1.0 / 3, 0, 1.0 / 3, 0, 1.0 / 3}, 1e-6, "p");
}

TEST_P(SoftmaxTest, CrossEntropyMatchesTheReference) {
  for (const auto& [m, vocabulary] : std::vector<Shape>{{0, 5}, {1, 1}, {3, 7}, {40, 31}, {17, 8195}}) {
    SCOPED_TRACE(testing::Message() << m << " rows of " << vocabulary);
    const Floats logits = random_floats(m * vocabulary, 1, 12);
    std::vector<std::int64_t> targets(m);
    for (std::int64_t i = 0; i < m; ++i) targets[i] = i == 2 ? -100 : (i * 7919) % vocabulary;
    const Indices narrow(targets.begin(), targets.end());
    reference::Values want = reference::softmax(widen(logits), vocabulary);
    reference::Values want_total(m);
    double want_loss = 0;
    for (std::int64_t i = 0; i < m; ++i) {
      double* row = want.data() + i * vocabulary;
      want_total[i] = double{logits[i * vocabulary]} - std::log(row[0]);
      if (targets[i] < 0) std::fill(row, row + vocabulary, 0.0);
      if (targets[i] < 0) continue;
      want_loss -= std::log(row[targets[i]]);
      row[targets[i]] -= 1;
      for (std::int64_t j = 0; j < vocabulary; ++j) row[j] *= 0.25;
    }
    Floats gradient = logits;
    Floats total(m);
    const double loss = simd().cross_entropy({.logits = gradient.data(),
                                              .targets = {.wide = targets.data()},
                                              .dlogits = gradient.data(),
                                              .log_sum_exp = total.data(),
                                              .m = m,
                                              .vocabulary = vocabulary,
                                              .scale = 0.25F});
    EXPECT_NEAR(loss, want_loss, 1e-6 * (1 + want_loss));
    expect_close(gradient, want, 5e-7, "dlogits");
    expect_close(total, want_total, 5e-7, "log sum exp");
    EXPECT_EQ(simd().cross_entropy({.logits = logits.data(),
                                    .targets = {.narrow = narrow.data()},
                                    .m = m,
                                    .vocabulary = vocabulary}),
              loss);
  }
}

ESPALIER_FOR_EVERY_VARIANT(SoftmaxTest);

}  // namespace
}  // namespace espalier::simd
