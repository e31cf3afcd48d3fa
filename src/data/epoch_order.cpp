#include "data/epoch_order.h"

#include <numeric>
#include <utility>

#include "base/rng.h"

namespace espalier {
namespace {

constexpr std::uint64_t kOrderStream = 1;

}  // namespace

std::vector<std::uint32_t> epoch_order(std::uint64_t seed, std::uint64_t epoch, std::size_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  Rng rng(seed, mix64(kOrderStream) ^ epoch);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

}  // namespace espalier
