#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/simd/kernels.h"
#include "train/ops/ops.h"
#include "values.h"

namespace espalier {

/// The torch backend runs in float64 here.
constexpr double kFloat64Tolerance = 1e-12;

inline double tolerance(Backend backend) {
  return backend == Backend::kOneDnn ? kFloat32Tolerance : kFloat64Tolerance;
}

/// A leaf tensor of the backend's dtype.
inline torch::Tensor leaf(const Values& values, at::IntArrayRef shape, Backend backend) {
  auto tensor = torch::tensor(values, torch::kFloat64).view(shape);
  return tensor.to(backend == Backend::kOneDnn ? torch::kFloat32 : torch::kFloat64)
      .clone()
      .set_requires_grad(true);
}

inline Values values_of(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().to(torch::kFloat64).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

inline void expect_close(const torch::Tensor& found, const Values& expected, double limit,
                         const std::string& what) {
  ASSERT_TRUE(found.defined()) << what;
  expect_close(values_of(found), expected, limit, what);
}

/// What dropout multiplies element `index` with.
inline double dropout_factor(const Dropout& dropout, std::int64_t index) {
  if (dropout.probability <= 0) return 1.0;
  const auto p = static_cast<float>(dropout.probability);
  return simd::dropout_keeps({dropout.key, p}, static_cast<std::uint64_t>(index)) ? 1.0F / (1.0F - p) : 0.0;
}

/// So many threads for as long as it lives.
class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

inline std::string backend_name(const ::testing::TestParamInfo<Backend>& info) {
  return std::string(name(info.param));
}

/// A suite that runs on both backends.
#define ESPALIER_ON_BACKENDS(suite)                        \
  class suite : public testing::TestWithParam<Backend> {}; \
  INSTANTIATE_TEST_SUITE_P(Backends, suite, testing::Values(Backend::kOneDnn, Backend::kTorch), backend_name)

}  // namespace espalier
