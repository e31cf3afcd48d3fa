#include "train/onednn/gemm.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <vector>

#include "base/rng.h"

namespace espalier {
namespace {

std::vector<float> random_floats(std::int64_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (auto& value : values) value = static_cast<float>(rng.normal());
  return values;
}

// Widths that are multiples of 256 go through padded blocks: chunks of 256 rows, parts of 1024 columns of the
// wider side, both of which these shapes begin, fill and overrun.
TEST(WeightGradient, IsTheProductAtEveryChunkAndPart) {
  constexpr double kTolerance = 1e-5;  // of the sum of magnitudes: float32, other orders of summation
  const std::pair<std::int64_t, std::int64_t> shapes[] = {{256, 40}, {40, 256},  {1024, 256}, {256, 1024},
                                                          {3, 2304}, {2304, 64}, {256, 256},  {40, 24}};
  for (const auto& [out, in] : shapes)
    for (const std::int64_t rows : {0, 1, 255, 256, 257, 600}) {
      const auto dy = random_floats(rows * out, 1), x = random_floats(rows * in, 2);
      std::vector<float> dw(static_cast<std::size_t>(out * in), -99.0F);
      weight_gradient(rows, out, in, dy.data(), x.data(), dw.data());
      for (std::int64_t o = 0; o < out; o += 1 + out / 7)
        for (std::int64_t i = 0; i < in; ++i) {
          double expected = 0;
          for (std::int64_t n = 0; n < rows; ++n)
            expected += static_cast<double>(dy[static_cast<std::size_t>(n * out + o)]) *
                        static_cast<double>(x[static_cast<std::size_t>(n * in + i)]);
          ASSERT_NEAR(dw[static_cast<std::size_t>(o * in + i)], expected,
                      kTolerance * static_cast<double>(rows + 1))
              << rows << " rows, dw[" << o << ", " << i << "] of [" << out << ", " << in << "]";
        }
    }
}

}  // namespace
}  // namespace espalier
