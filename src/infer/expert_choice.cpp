#include "infer/expert_choice.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/parallel.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 8;  // pairs of group and expert

}  // namespace

void choose_by_experts(std::int64_t N, std::int64_t E, const float* probabilities, std::int64_t group,
                       std::int64_t capacity, std::int32_t* chosen) {
  std::fill_n(chosen, N * E, -1);
  const std::int64_t groups = group == 0 ? 0 : (N + group - 1) / group;
  parallel_for(groups * E, kGrain, [&](std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> order;
    for (std::int64_t pair = first; pair < last; ++pair) {
      const auto e = pair % E, begin = pair / E * group, size = std::min(group, N - begin);
      order.resize(static_cast<std::size_t>(size));
      std::iota(order.begin(), order.end(), begin);
      const auto taken = std::min(capacity, size);
      const auto better = [&](std::int64_t a, std::int64_t b) {
        const float of_a = probabilities[a * E + e], of_b = probabilities[b * E + e];
        return of_a > of_b || (of_a == of_b && a < b);
      };
      const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::max<std::int64_t>(0, taken - 1));
      std::nth_element(order.begin(), end, order.end(), better);
      for (std::int64_t i = 0; i < taken; ++i)
        chosen[order[static_cast<std::size_t>(i)] * E + e] = static_cast<std::int32_t>(e);
    }
  });
}

}  // namespace espalier::infer
