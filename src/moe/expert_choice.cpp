#include "moe/expert_choice.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace espalier {

torch::Tensor chosen_by_experts(const torch::Tensor& probabilities, std::int64_t group,
                                std::int64_t capacity) {
  const auto values = probabilities.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto N = values.size(0), E = values.size(1);
  auto chosen = torch::full({N, E}, -1, torch::kInt32);
  const float* p = values.data_ptr<float>();
  auto* out = chosen.data_ptr<std::int32_t>();
  const std::int64_t groups = group == 0 ? 0 : (N + group - 1) / group;
  at::parallel_for(0, groups * E, 8, [&](std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> order;
    for (std::int64_t pair = first; pair < last; ++pair) {
      const auto e = pair % E, begin = pair / E * group, size = std::min(group, N - begin);
      order.resize(static_cast<std::size_t>(size));
      std::iota(order.begin(), order.end(), begin);
      const auto taken = std::min(capacity, size);
      const auto better = [&](std::int64_t a, std::int64_t b) {
        return p[a * E + e] > p[b * E + e] || (p[a * E + e] == p[b * E + e] && a < b);
      };
      std::nth_element(order.begin(),
                       order.begin() + static_cast<std::ptrdiff_t>(std::max<std::int64_t>(0, taken - 1)),
                       order.end(), better);
      for (std::int64_t i = 0; i < taken; ++i)
        out[order[static_cast<std::size_t>(i)] * E + e] = static_cast<std::int32_t>(e);
    }
  });
  return chosen;
}

}  // namespace espalier
