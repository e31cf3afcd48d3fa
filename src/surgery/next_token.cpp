#include "surgery/next_token.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace espalier {
namespace {

/// [E] squared 2-norms of the rows of [E, D].
std::vector<double> squared_row_norms(const formats::Weight& router, std::int64_t experts) {
  std::vector<float> row(static_cast<std::size_t>(router.columns));
  std::vector<double> norms;
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    router.decode_rows(expert, 1, row.data());
    norms.push_back(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
  }
  return norms;
}

}  // namespace

std::vector<int> best_by_router_norm(const Checkpoint& checkpoint, const MoeLayerTensors& layer,
                                     std::size_t count, std::int64_t groups) {
  const auto groups_of_layer = static_cast<std::size_t>(groups);
  if (count % groups_of_layer != 0)
    throw UserError(
        fmt::format("the {} groups of the router cannot hold {} experts in equal parts", groups, count),
        "keep a multiple of the number of groups, or pass --reset-groups");
  const std::vector<double> norms = squared_row_norms(checkpoint.weight(layer.router), layer.num_experts);
  const std::size_t group_size = norms.size() / groups_of_layer;
  std::vector<int> keep;
  for (std::size_t group = 0; group < groups_of_layer; ++group) {
    std::vector<int> experts(group_size);
    std::iota(experts.begin(), experts.end(), static_cast<int>(group * group_size));
    std::stable_sort(experts.begin(), experts.end(), [&](int a, int b) {
      return norms[static_cast<std::size_t>(a)] > norms[static_cast<std::size_t>(b)];
    });
    keep.insert(keep.end(), experts.begin(),
                experts.begin() + static_cast<std::ptrdiff_t>(count / groups_of_layer));
  }
  std::sort(keep.begin(), keep.end());
  return keep;
}

}  // namespace espalier
