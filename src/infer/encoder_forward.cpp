#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "infer/encoder.h"
#include "infer/finite.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

void check_tokens(const EncoderModel& model, const EncoderTokens& tokens) {
  if (tokens.layout.longest() > model.spec.positions())
    throw UserError(fmt::format("a sequence has {} tokens, the model holds positions for {}",
                                tokens.layout.longest(), model.spec.positions()),
                    "cut the text, or pass a smaller --seq-len");
  if (tokens.ids.empty()) return;
  const auto [low, high] = std::minmax_element(tokens.ids.begin(), tokens.ids.end());
  if (*low < 0 || *high >= model.vocabulary())
    throw UserError(fmt::format("token id {} is outside the vocabulary of {} pieces", *low < 0 ? *low : *high,
                                model.vocabulary()),
                    "the tokens were made with another vocabulary than the model's");
}

/// The place of each token in its sequence.
std::vector<std::int64_t> positions_of(const SequenceLayout& layout) {
  std::vector<std::int64_t> positions;
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    for (std::int64_t t = 0; t < layout.length(b); ++t) positions.push_back(t);
  return positions;
}

Buffer<float> embed(const EncoderModel& model, const EncoderTokens& tokens) {
  const auto N = tokens.layout.tokens(), D = model.width();
  const auto positions = positions_of(tokens.layout);
  Buffer<float> x(N * D);
  simd::kernels().embedding_forward({.word = model.word.floats(),
                                     .position = model.position.floats(),
                                     .type = model.token_type.floats(),
                                     .ids = {.wide = tokens.ids.data()},
                                     .positions = {.wide = positions.data()},
                                     .types = {.wide = tokens.types.empty() ? nullptr : tokens.types.data()},
                                     .out = x.data(),
                                     .n = N,
                                     .length = std::max<std::int64_t>(1, tokens.layout.longest()),
                                     .d = D});
  normalise(model.embedding_norm, model.spec.text().norm->epsilon, N, D, x.data(), x.data());
  return x;
}

}  // namespace

Buffer<float> encode(const EncoderModel& model, const EncoderTokens& tokens,
                     const std::function<ExpertTap(std::int64_t block)>& tap) {
  check_tokens(model, tokens);
  const auto N = tokens.layout.tokens(), D = model.width();
  Buffer<float> x = embed(model, tokens), y(N * D);
  for (std::size_t l = 0; l < model.blocks.size(); ++l) {
    const EncoderBlock& block = model.blocks[l];
    const arch::BlockSpec& spec = model.spec.blocks[l];
    const RouteTokens route_tokens = [&](const EncoderMoe& moe, std::int64_t n, const float* h) {
      return route(spec.moe()->router, moe.router, n, h);
    };
    attend(block, arch::heads_of(spec.mixer), tokens.layout, x.data(), y.data());
    add_and_normalise(block.attention_norm, spec.norm.epsilon, N, D, x.data(), y.data());
    const bool watched = tap && block.moe() != nullptr;
    feed_forward(block, N, x.data(), y.data(), route_tokens,
                 watched ? tap(static_cast<std::int64_t>(l)) : ExpertTap{});
    add_and_normalise(block.feed_forward_norm, spec.norm.epsilon, N, D, x.data(), y.data());
    expect_finite_block(static_cast<std::int64_t>(l), N * D, x.data());
  }
  return x;
}

Buffer<float> masked_word_logits(const EncoderModel& model, std::int64_t M, const float* rows) {
  if (!model.masked_words) throw InternalError("the model has no masked-language-model head");
  const auto& head = *model.masked_words;
  const auto D = model.width();
  Buffer<float> h(M * D), logits(M * model.vocabulary());
  apply(head.transform, M, rows, h.data());
  simd::kernels().gelu_forward({.h = h.data(), .a = h.data(), .n = M, .f = D});
  normalise(head.norm, model.spec.text().norm->epsilon, M, D, h.data(), h.data());
  apply({model.word, head.bias}, M, h.data(), logits.data());
  expect_finite_outputs(M * model.vocabulary(), logits.data());
  return logits;
}

Buffer<float> classify(const EncoderModel& model, const SequenceLayout& layout, const float* hidden) {
  if (!model.pooler || !model.classifier) throw InternalError("the model has no classification head");
  const auto B = layout.sequences(), D = model.width();
  Buffer<float> first(B * D), pooled(B * D), scores(B * model.classifier->weight.out());
  for (std::int64_t b = 0; b < B; ++b) std::copy_n(hidden + layout.begin(b) * D, D, first.data() + b * D);
  apply(*model.pooler, B, first.data(), pooled.data());
  simd::kernels().tanh_forward(pooled.data(), pooled.data(), B * D);
  apply(*model.classifier, B, pooled.data(), scores.data());
  expect_finite_outputs(scores.size(), scores.data());
  return scores;
}

}  // namespace espalier::infer
