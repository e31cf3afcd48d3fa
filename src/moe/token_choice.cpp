#include "moe/token_choice.h"

#include <ATen/Parallel.h>

namespace espalier {

TokenChoice choose_experts(const torch::Tensor& logits, const RouterConfig& config,
                           const torch::Tensor& correction_bias) {
  const auto N = logits.size(0), E = logits.size(1), K = config.experts_per_token;
  TokenChoice choice{logits, torch::empty({N, E}), torch::empty({N, K}, torch::kInt32), torch::empty({N, K})};
  const float* h = logits.data_ptr<float>();
  const auto width = static_cast<std::size_t>(E), slots = static_cast<std::size_t>(K);
  const auto bias = correction_bias.defined()
                        ? std::span<const float>(correction_bias.data_ptr<float>(), width)
                        : std::span<const float>();
  auto* alpha = choice.alpha.data_ptr<float>();
  auto* chosen = choice.chosen.data_ptr<std::int32_t>();
  auto* gates = choice.gates.data_ptr<float>();
  at::parallel_for(0, N, 256, [&](std::int64_t first, std::int64_t last) {
    TokenRuleScratch scratch;
    for (std::int64_t n = first; n < last; ++n)
      choose_for_token(config, {h + n * E, width}, bias, scratch, {alpha + n * E, width},
                       {chosen + n * K, slots}, {gates + n * K, slots});
  });
  return choice;
}

}  // namespace espalier
