#include "infer/routing.h"

#include <utility>

#include "arch/token_rule.h"
#include "base/parallel.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 256;  // tokens of a thread

}  // namespace

void choose_experts(const RouterConfig& config, std::int64_t N, std::int64_t E, const float* logits,
                    std::span<const float> correction_bias, const ChoiceArrays& to) {
  const auto K = config.experts_per_token;
  const auto width = static_cast<std::size_t>(E), slots = static_cast<std::size_t>(K);
  parallel_for(N, kGrain, [&](std::int64_t first, std::int64_t last) {
    TokenRuleScratch scratch;
    for (std::int64_t n = first; n < last; ++n)
      choose_for_token(config, {logits + n * E, width}, correction_bias, scratch, {to.alpha + n * E, width},
                       {to.chosen + n * K, slots}, {to.gates + n * K, slots});
  });
}

Routing choose_experts(const RouterConfig& config, std::int64_t N, std::int64_t E, Buffer<float> logits,
                       std::span<const float> correction_bias) {
  const auto K = config.experts_per_token;
  Routing routing{N,
                  E,
                  K,
                  std::move(logits),
                  Buffer<float>(N * E),
                  Buffer<std::int32_t>(N * K),
                  Buffer<float>(N * K),
                  {},
                  SlotOrder::kBestFirst,
                  {}};
  choose_experts(config, N, E, routing.logits.data(), correction_bias,
                 {routing.alpha.data(), routing.chosen.data(), routing.gates.data()});
  return routing;
}

}  // namespace espalier::infer
