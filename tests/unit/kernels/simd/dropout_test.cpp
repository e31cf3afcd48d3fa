#include <omp.h>

#include "unit/kernels/simd/variants.h"

namespace espalier::simd {
namespace {

using DropoutTest = SimdTest;

constexpr std::int64_t kCount = 1 << 20;

/// 1 where kept, 0 where dropped.
Floats mask_of(const Kernels& simd, DropoutKey key, std::int64_t count = kCount) {
  Floats ones(count, 1.0F - key.p);
  simd.dropout(ones.data(), ones.data(), count, key);
  for (float& v : ones) v = v != 0 ? 1.0F : 0.0F;
  return ones;
}

/// Correlation of two masks, `shift` apart; about normal with deviation 1 / sqrt(count) for fair ones.
double correlation(const Floats& a, const Floats& b, std::int64_t shift, double p) {
  double sum = 0;
  const auto count = static_cast<std::int64_t>(a.size()) - shift;
  for (std::int64_t i = 0; i < count; ++i) sum += (a[i] - (1 - p)) * (b[i + shift] - (1 - p));
  return sum / count / (p * (1 - p));
}

TEST_P(DropoutTest, FollowsItsDefinition) {
  for (const std::int64_t count : {0, 1, 7, 16, 31, 5000, 40000}) {
    const DropoutKey key{.key = 1234567890123ULL + count, .p = 0.3F};
    const Floats x = random_floats(count, 5);
    Floats y(count);
    simd().dropout(x.data(), y.data(), count, key);
    expect_close(y, apply_dropout(widen(x), key), 3e-7, "dropout");
  }
}

TEST_P(DropoutTest, MaskIsTheSameInEveryVariantAndForAnyThreads) {
  const DropoutKey key{.key = 42, .p = 0.1F};
  const Floats want = mask_of(*available_kernels().front(), key);
  const int threads = omp_get_max_threads();
  for (const int count : {1, 2, 5}) {
    omp_set_num_threads(count);
    EXPECT_EQ(mask_of(simd(), key), want) << count << " threads";
  }
  omp_set_num_threads(threads);
}

TEST_P(DropoutTest, ZeroProbabilityIsTheIdentity) {
  const Floats x = random_floats(1000, 9);
  Floats y(1000);
  simd().dropout(x.data(), y.data(), 1000, {.key = 3, .p = 0});
  EXPECT_EQ(x, y);
}

TEST_P(DropoutTest, KeepsTheRightShare) {
  for (const float p : {0.01F, 0.1F, 0.5F, 0.9F}) {
    for (const std::uint64_t key : {0ULL, 1ULL, 0xFFFFFFFFFFFFFFFFULL}) {
      double kept = 0;
      for (const float v : mask_of(simd(), {.key = key, .p = p})) kept += v;
      const double deviation = std::sqrt(p * (1 - p) / kCount);
      EXPECT_NEAR(kept / kCount, 1 - p, 4.5 * deviation) << "p " << p << " key " << key;
    }
  }
}

TEST_P(DropoutTest, NeighboursAreUncorrelated) {
  const double limit = 4.5 / std::sqrt(double{kCount});
  for (const float p : {0.1F, 0.5F}) {
    for (const std::uint64_t key : {0ULL, 1ULL, 77ULL}) {
      const Floats mask = mask_of(simd(), {.key = key, .p = p});
      for (const std::int64_t shift : {1, 2, 3, 8, 128, 256, 1024, 4096, 65536}) {
        EXPECT_LT(std::abs(correlation(mask, mask, shift, p)), limit) << "shift " << shift << " key " << key;
      }
    }
  }
}

TEST_P(DropoutTest, KeysAreUncorrelated) {
  const double limit = 4.5 / std::sqrt(double{kCount});
  const float p = 0.1F;
  const Floats first = mask_of(simd(), {.key = 1000, .p = p});
  for (const std::uint64_t other : {1001ULL, 1002ULL, 1000ULL + (1ULL << 32), 1000ULL ^ (1ULL << 63), 0ULL}) {
    const Floats mask = mask_of(simd(), {.key = other, .p = p});
    for (const std::int64_t shift : {0, 1, 16}) {
      EXPECT_LT(std::abs(correlation(first, mask, shift, p)), limit) << "key " << other << " shift " << shift;
    }
  }
}

ESPALIER_FOR_EVERY_VARIANT(DropoutTest);

}  // namespace
}  // namespace espalier::simd
