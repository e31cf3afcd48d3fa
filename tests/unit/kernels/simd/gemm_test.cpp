#include <omp.h>

#include <array>
#include <atomic>
#include <limits>

#include "unit/kernels/simd/variants.h"

namespace espalier::simd {
namespace {

using Gemms = SimdTest;

constexpr float kUntouched = -77;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinite = std::numeric_limits<float>::infinity();

/// An operand as stored, its rows `kApart` longer than their content.
struct Stored {
  std::int64_t rows, columns;
  bool transposed;
  Floats values;
  static constexpr std::int64_t kApart = 3;

  Stored(std::int64_t rows_, std::int64_t columns_, bool transposed_, std::uint64_t seed)
      : rows(rows_), columns(columns_), transposed(transposed_) {
    values = random_floats((transposed ? columns : rows) * stride(), seed);
  }
  std::int64_t stride() const { return (transposed ? rows : columns) + kApart; }
  float& at(std::int64_t i, std::int64_t j) {
    return values[transposed ? j * stride() + i : i * stride() + j];
  }
  MatrixView view() const { return {values.data(), stride(), transposed}; }
};

/// c = a b + beta c with rows of c `kApart` longer than n.
struct Case {
  std::int64_t m, n, k;
  Stored a, b;
  float beta;
  Floats c;

  Case(std::array<std::int64_t, 3> shape, int layouts, float beta_)
      : m(shape[0]),
        n(shape[1]),
        k(shape[2]),
        a(m, k, (layouts & 1) != 0, 1),
        b(k, n, (layouts & 2) != 0, 2),
        beta(beta_),
        c(m * stride(), kUntouched) {
    const Floats held = random_floats(m * n, 3);
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) c[i * stride() + j] = beta == 0 ? kNan : held[i * n + j];
  }
  std::int64_t stride() const { return n + Stored::kApart; }
  void run(const Kernels& simd) {
    simd.gemm({.a = a.view(),
               .b = b.view(),
               .c = c.data(),
               .m = m,
               .n = n,
               .k = k,
               .c_stride = stride(),
               .beta = beta});
  }
  double expected(std::int64_t i, std::int64_t j, const Floats& before) {
    double sum = beta == 0 ? 0 : double{beta} * double{before[i * stride() + j]};
    for (std::int64_t p = 0; p < k; ++p) sum += double{a.at(i, p)} * double{b.at(p, j)};
    return sum;
  }
};

void expect_product(Case& one, const Kernels& simd) {
  const Floats before = one.c;
  one.run(simd);
  const double allowed = 1e-5 * (static_cast<double>(one.k) + 1);  // float32 sums of products below 9
  for (std::int64_t i = 0; i < one.m; ++i) {
    for (std::int64_t j = 0; j < one.n; ++j)
      ASSERT_NEAR(one.c[i * one.stride() + j], one.expected(i, j, before), allowed) << i << ", " << j;
    for (std::int64_t j = one.n; j < one.stride(); ++j)
      ASSERT_EQ(one.c[i * one.stride() + j], kUntouched) << "behind row " << i;
  }
}

// Every kind of rest of rows, columns and steps; both sides once as rows and once as lanes.
TEST_P(Gemms, AreTheProductInEveryLayoutAndShape) {
  constexpr std::array<std::int64_t, 3> kSizes[] = {
      {0, 3, 4},   {3, 0, 4},    {3, 4, 0},    {1, 1, 1},    {1, 1, 300},   {1, 33, 40},
      {40, 1, 33}, {2, 100, 17}, {7, 7, 7},    {15, 200, 9}, {200, 15, 30}, {5, 48, 513},
      {48, 5, 29}, {64, 64, 32}, {33, 65, 31}, {70, 97, 19}, {130, 50, 8},  {50, 130, 300}};
  for (const auto& size : kSizes)
    for (int layouts = 0; layouts < 4; ++layouts)
      for (const float beta : {0.0F, 1.0F, -0.5F}) {
        SCOPED_TRACE(testing::Message() << size[0] << " x " << size[1] << " x " << size[2] << ", layouts "
                                        << layouts << ", beta " << beta);
        Case one(size, layouts, beta);
        expect_product(one, simd());
        if (HasFatalFailure()) return;
      }
}

// Past every block: several groups of rows, blocks of columns and chains of k, on all threads.
TEST_P(Gemms, AreTheProductPastEveryBlock) {
  for (int layouts = 0; layouts < 4; ++layouts) {
    SCOPED_TRACE(layouts);
    Case one({150, 700, 530}, layouts, 1);
    expect_product(one, simd());
  }
}

// What lets a batch be cut anywhere: a row of the product is the same bits alone, in any layout, on any
// threads.
TEST_P(Gemms, AreTheSameBitsWhateverStandsBeside) {
  Case whole({600, 520, 700}, 0, 0.5F);
  const Floats held = whole.c;
  whole.run(simd());
  const int most = omp_get_max_threads();
  omp_set_num_threads(1);
  for (int layouts = 0; layouts < 4; ++layouts) {
    Case other({600, 520, 700}, layouts, 0.5F);
    other.c = held;
    for (std::int64_t p = 0; p < other.k; ++p) {
      for (std::int64_t i = 0; i < other.m; ++i) other.a.at(i, p) = whole.a.at(i, p);
      for (std::int64_t j = 0; j < other.n; ++j) other.b.at(p, j) = whole.b.at(p, j);
    }
    other.run(simd());
    EXPECT_EQ(other.c, whole.c) << "layouts " << layouts;
  }
  for (const std::int64_t rows : {1, 2, 9, 13, 100}) {
    Floats part = held;
    simd().gemm({.a = whole.a.view(),
                 .b = whole.b.view(),
                 .c = part.data(),
                 .m = rows,
                 .n = whole.n,
                 .k = whole.k,
                 .c_stride = whole.stride(),
                 .beta = 0.5F});
    EXPECT_TRUE(std::equal(part.begin(), part.begin() + rows * whole.stride(), whole.c.begin())) << rows;
  }
  omp_set_num_threads(most);
}

// A thread's part may have so few rows that, alone, they would be added up in an order of their own.
TEST_P(Gemms, AreTheSameBitsOnAnyThreads) {
  constexpr std::array<std::int64_t, 3> kSizes[] = {
      {129, 128, 300}, {65, 64, 300}, {128, 129, 300}, {97, 300, 700}, {300, 97, 700}};
  const int most = omp_get_max_threads();
  for (const auto& size : kSizes)
    for (int layouts = 0; layouts < 4; ++layouts) {
      Case alone(size, layouts, 1), together(size, layouts, 1);
      omp_set_num_threads(1);
      alone.run(simd());
      for (const int threads : {2, 3}) {
        together.c = Case(size, layouts, 1).c;
        omp_set_num_threads(threads);
        together.run(simd());
        EXPECT_EQ(together.c, alone.c) << size[0] << " x " << size[1] << ", layouts " << layouts;
      }
    }
  omp_set_num_threads(most);
}

/// Numbers of 16 bits in the place of floats, and how many rows were asked for at a time.
struct SmallNumbers {
  std::vector<std::int16_t> numbers;
  std::int64_t columns;
  mutable std::atomic<std::int64_t> most_rows = 0;

  SmallNumbers(const Stored& floats, Stored& rounded) : columns(floats.stride() - Stored::kApart) {
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(floats.values.size()); ++i) {
      if (i % floats.stride() >= columns) continue;
      numbers.push_back(static_cast<std::int16_t>(floats.values[i] * 1000));
      rounded.values[i] = static_cast<float>(numbers.back()) / 1024;
    }
  }
  static void decode(const void* rows, std::int64_t first, std::int64_t count, float* to) {
    const auto& own = *static_cast<const SmallNumbers*>(rows);
    for (auto most = own.most_rows.load(); count > most && !own.most_rows.compare_exchange_weak(most, count);)
      continue;
    for (std::int64_t i = 0; i < count * own.columns; ++i)
      to[i] = static_cast<float>(own.numbers[first * own.columns + i]) / 1024;
  }
  EncodedRows rows() const { return {this, decode}; }
};

// Either operand, as rows and as lanes, whole and in parts: the same bits as of the decoded matrix.
TEST_P(Gemms, DecodeRowsWhileTheyMultiply) {
  constexpr std::array<std::int64_t, 3> kSizes[] = {
      {5, 40, 70}, {40, 5, 70}, {20, 900, 65}, {900, 20, 65}, {300, 500, 80}, {2, 3, 0}, {33, 400, 1200}};
  for (const auto& size : kSizes)
    for (const bool left : {true, false}) {
      SCOPED_TRACE(testing::Message()
                   << size[0] << " x " << size[1] << " x " << size[2] << ", left " << left);
      Case one(size, left ? 0 : 2, 0.5F);
      Stored& side = left ? one.a : one.b;
      const SmallNumbers numbers(side, side);
      const EncodedRows rows = numbers.rows();
      Floats got = one.c;
      MatrixView a = one.a.view(), b = one.b.view();
      (left ? a : b) = {.data = nullptr, .stride = one.k, .transposed = !left, .encoded = &rows};
      simd().gemm({.a = a,
                   .b = b,
                   .c = got.data(),
                   .m = one.m,
                   .n = one.n,
                   .k = one.k,
                   .c_stride = one.stride(),
                   .beta = 0.5F});
      one.run(simd());
      EXPECT_EQ(got, one.c);
      EXPECT_LE(numbers.most_rows, 300);
    }
}

TEST_P(Gemms, LetNanAndInfinityThroughAndNowhereElse) {
  for (int layouts = 0; layouts < 4; ++layouts) {
    Case one({20, 35, 40}, layouts, 0);
    one.a.at(3, 5) = kNan;
    one.b.at(7, 11) = kInfinite;
    one.run(simd());
    for (std::int64_t i = 0; i < one.m; ++i)
      for (std::int64_t j = 0; j < one.n; ++j) {
        const float c = one.c[i * one.stride() + j];
        ASSERT_EQ(std::isnan(c), i == 3) << i << ", " << j;
        ASSERT_EQ(std::isinf(c), i != 3 && j == 11) << i << ", " << j;
      }
  }
}

ESPALIER_FOR_EVERY_VARIANT(Gemms);

}  // namespace
}  // namespace espalier::simd
