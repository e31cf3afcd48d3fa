#include "kernels/gemm.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <vector>

namespace espalier::kernels {
namespace {

TEST(Gemm, IsAProductOfRowMajorMatrices) {
  const std::vector<float> a{1, 2, 3, 4, 5, 6};   // [2, 3]
  const std::vector<float> b{1, 0, 2, 0, 1, -1};  // [2, 3], read transposed
  std::vector<float> c{10, 20, 30, 40};
  gemm(2, 2, 3, {a.data(), 3}, {b.data(), 3, true}, 1, c.data(), 2);
  EXPECT_EQ(c, (std::vector<float>{17, 19, 46, 39}));
}

TEST(Gemm, RunsInsideAParallelRegion) {
  constexpr std::int64_t kWidth = 200;
  const std::vector<float> ones(kWidth * kWidth, 1.0F);
  std::vector<std::vector<float>> products(4, std::vector<float>(kWidth * kWidth));
#pragma omp parallel for num_threads(2)
  for (std::size_t i = 0; i < products.size(); ++i)
    gemm(kWidth, kWidth, kWidth, {ones.data(), kWidth}, {ones.data(), kWidth}, 0, products[i].data(), kWidth);
  for (const auto& product : products)
    EXPECT_EQ(product, std::vector<float>(kWidth * kWidth, static_cast<float>(kWidth)));
}

}  // namespace
}  // namespace espalier::kernels
