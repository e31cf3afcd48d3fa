#include <omp.h>

#include <cstdlib>

#include "base/error.h"
#include "unit/kernels/simd/variants.h"

namespace espalier::simd {
namespace {

using TablesTest = SimdTest;

struct Tables {
  Floats word, position, type;
};

TEST_P(TablesTest, EmbeddingMatchesTheReference) {
  const std::int64_t vocabulary = 50;
  const std::int64_t length = 11;
  for (const auto& [n, d] : kShapes) {
    const Tables t{random_floats(vocabulary * d, 1), random_floats(length * d, 2), random_floats(2 * d, 3)};
    std::vector<std::int64_t> ids(n);
    Indices types(n);
    for (std::int64_t i = 0; i < n; ++i) ids[i] = i % 3 == 0 ? 7 : i * i % vocabulary;
    for (std::int64_t i = 0; i < n; ++i) types[i] = static_cast<std::int32_t>(i % 5 == 0);
    Floats out(n * d);
    simd().embedding_forward({.word = t.word.data(),
                              .position = t.position.data(),
                              .type = t.type.data(),
                              .ids = {.wide = ids.data()},
                              .types = {.narrow = types.data()},
                              .out = out.data(),
                              .n = n,
                              .length = length,
                              .d = d});
    const Floats dout = random_floats(n * d, 4);
    Tables got{Floats(vocabulary * d, 1.0F), Floats(length * d, 1.0F), Floats(2 * d, 1.0F)};
    simd().embedding_backward({.dout = dout.data(),
                               .dword = got.word.data(),
                               .dposition = got.position.data(),
                               .dtype = got.type.data(),
                               .ids = {.wide = ids.data()},
                               .types = {.narrow = types.data()},
                               .n = n,
                               .length = length,
                               .d = d});
    reference::Values want(n * d);
    reference::Values word(vocabulary * d, 1.0);
    reference::Values position(length * d, 1.0);
    reference::Values type(2 * d, 1.0);
    for (std::int64_t i = 0; i < n * d; ++i) {
      const std::int64_t row = i / d;
      const std::int64_t w = ids[row] * d + i % d;
      const std::int64_t p = row % length * d + i % d;
      const std::int64_t s = types[row] * d + i % d;
      want[i] = double{t.word[w]} + t.position[p] + t.type[s];
      word[w] += dout[i];
      position[p] += dout[i];
      type[s] += dout[i];
    }
    expect_close(out, want, 3e-7, "out");
    expect_close(got.word, word, kTolerance, "dword");
    expect_close(got.position, position, kTolerance, "dposition");
    expect_close(got.type, type, 1e-5, "dtype");
  }
}

TEST_P(TablesTest, EmbeddingTakesPositionsAndLeavesOutTables) {
  const std::int64_t d = 19;
  const Floats word = random_floats(4 * d, 1);
  const Floats position = random_floats(6 * d, 2);
  const Indices ids = {3, 0};
  const Indices positions = {5, 1};
  Floats out(2 * d);
  EmbeddingForward op{
      .word = word.data(), .ids = {.narrow = ids.data()}, .out = out.data(), .n = 2, .length = 1, .d = d};
  simd().embedding_forward(op);
  EXPECT_EQ(out[2], word[3 * d + 2]);
  op.position = position.data();
  op.positions = {.narrow = positions.data()};
  simd().embedding_forward(op);
  EXPECT_EQ(out[d + 18], word[18] + position[d + 18]);
}

TEST_P(TablesTest, ColumnSumsMatchTheReference) {
  for (const auto& [n, f] : kShapes) {
    const std::int64_t stride = f + 3;
    const Floats x = random_floats(n * stride, 1);
    Floats sums(f, 5.0F);
    simd().column_sums(x.data(), n, f, stride, sums.data());
    reference::Values want(f, 0.0);
    for (std::int64_t i = 0; i < n * f; ++i) want[i % f] += x[i / f * stride + i % f];
    expect_close(sums, want, kTolerance, "sums");
  }
}

TEST_P(TablesTest, SumOfSquaresMatchesTheReference) {
  for (const std::int64_t count : {0, 1, 7, 1023, 1025, 100003}) {
    const Floats x = random_floats(count, 1, 100);
    double want = 0;
    for (const float v : x) want += double{v} * v;
    EXPECT_NEAR(simd().sum_of_squares(x.data(), count), want, 1e-13 * want);
  }
}

TEST_P(TablesTest, SumsDoNotDependOnThreads) {
  const Floats x = random_floats(300000, 1);
  const Floats logits = random_floats(100 * 999, 2);
  const Indices targets(100, 5);
  const int threads = omp_get_max_threads();
  std::vector<double> squares;
  std::vector<double> losses;
  for (const int count : {1, 2, 3, 7}) {
    omp_set_num_threads(count);
    squares.push_back(simd().sum_of_squares(x.data(), 300000));
    losses.push_back(simd().cross_entropy(
        {.logits = logits.data(), .targets = {.narrow = targets.data()}, .m = 100, .vocabulary = 999}));
  }
  omp_set_num_threads(threads);
  EXPECT_EQ(squares, std::vector<double>(4, squares[0]));
  EXPECT_EQ(losses, std::vector<double>(4, losses[0]));
}

TEST_P(TablesTest, AdamWFollowsTheReference) {
  for (const std::int64_t count : {0, 1, 7, 31, 20000}) {
    Floats parameters = random_floats(count, 1);
    Floats first(count, 0.0F);
    Floats second(count, 0.0F);
    std::vector<reference::AdamWState> want;
    for (const float p : parameters) want.push_back({p, 0, 0});
    for (int step = 1; step <= 4; ++step) {
      const Floats gradients = random_floats(count, 10 + step, 0.1F);
      simd().adamw({.parameters = parameters.data(),
                    .gradients = gradients.data(),
                    .first_moment = first.data(),
                    .second_moment = second.data(),
                    .count = count,
                    .learning_rate = 1e-3F,
                    .beta1 = 0.9F,
                    .beta2 = 0.98F,
                    .eps = 1e-6F,
                    .weight_decay = 0.01F,
                    .step = step,
                    .gradient_scale = 0.5F});
      for (std::int64_t i = 0; i < count; ++i) {
        want[i] = reference::adamw(want[i], 0.5 * gradients[i], double{1e-3F}, double{0.9F}, double{0.98F},
                                   double{1e-6F}, double{0.01F}, step);
      }
    }
    for (std::int64_t i = 0; i < count; ++i) {
      ASSERT_NEAR(parameters[i], want[i].parameter, 1e-6) << i;
      ASSERT_NEAR(first[i], want[i].first, 1e-8) << i;
      ASSERT_NEAR(second[i], want[i].second, 1e-9) << i;
    }
  }
}

ESPALIER_FOR_EVERY_VARIANT(TablesTest);

TEST(SimdDispatchTest, TheBaselineIsAlwaysThereAndFirst) {
  ASSERT_FALSE(available_kernels().empty());
  EXPECT_STREQ(available_kernels().front()->isa, "baseline");
}

/// Chosen once in a process, so each choice is asked in a process of its own.
int isa_chosen_with(const char* wanted) {
  setenv("ESPALIER_ISA", wanted, 1);
  try {
    return kernels().isa == std::string(wanted) ? 0 : 1;
  } catch (const UserError&) {
    return 2;
  }
}

TEST(SimdDispatchTest, EnvironmentChoosesTheVariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(isa_chosen_with("baseline")), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::exit(isa_chosen_with(available_kernels().back()->isa)), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::exit(isa_chosen_with("sse9")), ::testing::ExitedWithCode(2), "");
}

}  // namespace
}  // namespace espalier::simd
