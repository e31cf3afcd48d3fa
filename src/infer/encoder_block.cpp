#include "infer/encoder_block.h"

#include <array>

#include "infer/bidirectional_attention.h"
#include "infer/encoder_roles.h"
#include "infer/linear.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {

void for_each_weight(EncoderBlock& block, const std::function<void(StoredWeight&)>& action) {
  visit_encoder_roles(block, 0, [&](const arch::TensorKey&, StoredWeight& weight) { action(weight); });
}

void apply(const StoredLinear& linear, std::int64_t N, const float* x, float* y) {
  ReadyLinear(linear).run(N, x, linear.weight.in(), LinearStore::kOverwrite, y, linear.weight.out());
}

void normalise(const StoredNorm& norm, double epsilon, std::int64_t n, std::int64_t D, const float* x,
               float* y) {
  Buffer<float> z;
  simd::kernels().layer_norm_forward({.x = x,
                                      .gamma = norm.weight.floats(),
                                      .beta = norm.bias.floats(),
                                      .z = x == y ? z.room(n * D) : nullptr,
                                      .y = y,
                                      .n = n,
                                      .d = D,
                                      .eps = static_cast<float>(epsilon)});
}

void add_and_normalise(const StoredNorm& norm, double epsilon, std::int64_t n, std::int64_t D, float* x,
                       float* y) {
  simd::kernels().layer_norm_forward({.x = y,
                                      .residual = x,
                                      .gamma = norm.weight.floats(),
                                      .beta = norm.bias.floats(),
                                      .z = y,
                                      .y = x,
                                      .n = n,
                                      .d = D,
                                      .eps = static_cast<float>(epsilon)});
}

void attend(const EncoderBlock& block, std::int64_t heads, const SequenceLayout& layout, const float* x,
            float* y) {
  const auto N = layout.tokens(), D = block.output.weight.out();
  Buffer<float> qkv(N * 3 * D), context(N * D);
  std::int64_t column = 0;
  for (const StoredLinear* linear : {&block.query, &block.key, &block.value}) {
    ReadyLinear(*linear).run(N, x, D, LinearStore::kOverwrite, qkv.data() + column, 3 * D);
    column += D;
  }
  bidirectional_attention(layout, heads, D, qkv.data(), context.data());
  apply(block.output, N, context.data(), y);
}

void feed_forward(const EncoderBlock& block, std::int64_t N, const float* x, float* y,
                  const RouteTokens& route, const ExpertTap& tap) {
  if (const auto* ffn = std::get_if<PlainFfn>(&block.feed_forward)) {
    const std::array<std::int32_t, 2> one_network{0, static_cast<std::int32_t>(N)};
    return run({ffn, 1}, one_network, x, y);
  }
  const auto& moe = std::get<EncoderMoe>(block.feed_forward);
  Routing routing = route(moe, N, x);
  routing.expert_of_row = moe.expert_of_row;
  run_experts(moe, routing, x, y, tap);
}

}  // namespace espalier::infer
