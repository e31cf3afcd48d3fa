#include "infer/decoder_forward.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "infer/decoder_attention.h"
#include "infer/finite.h"
#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

/// What attention may take on the way: it runs whole sequences, as many at a time as fit.
constexpr std::int64_t kAttentionFloats = std::int64_t{1} << 26;
/// Rows of the vocabulary that are widened at a time.
constexpr std::int64_t kHeadRows = 1 << 14;

void norm_rows(std::int64_t N, std::int64_t D, const float* x, const float* gamma, double epsilon, float* y) {
  simd::kernels().rms_norm({.x = x,
                            .gamma = gamma,
                            .y = y,
                            .n = N,
                            .d = D,
                            .x_stride = D,
                            .y_stride = D,
                            .eps = static_cast<float>(epsilon)});
}

/// Sequences first .. last - 1 of a layout.
SequenceLayout part(const SequenceLayout& layout, std::int64_t first, std::int64_t last) {
  SequenceLayout part;
  for (std::int64_t b = first; b < last; ++b) part.append(layout.length(b));
  return part;
}

}  // namespace

struct ReadyBlock::State {
  const arch::BlockSpec& spec;
  const DecoderBlock& block;
  std::int64_t place, D;
  ReadyVector attention_norm, feed_forward_norm;
  std::unique_ptr<ReadyAttention> attention;

  State(const DecoderModel& model, std::int64_t layer, const RopeTables& rope)
      : spec(model.spec.block(layer)),
        block(model.blocks.at(static_cast<std::size_t>(layer))),
        place(layer),
        D(model.width()),
        attention_norm(block.attention_norm),
        feed_forward_norm(block.feed_forward_norm),
        attention(std::visit([&](const auto& weights) { return ready(weights, spec, rope.of(layer)); },
                             block.attention)) {}

  void attend(const SequenceLayout& layout, float* x, KeyValues* past) const {
    const auto N = layout.tokens();
    Buffer<float> h(N * D);
    norm_rows(N, D, x, attention_norm.data(), spec.norm.epsilon, h.data());
    attention->run(layout, h.data(), x, past);
  }

  void feed_forward(std::int64_t N, float* x, const ExpertTap& tap) const {
    Buffer<float> h(N * D);
    norm_rows(N, D, x, feed_forward_norm.data(), spec.norm.epsilon, h.data());
    if (const auto* moe = block.moe())
      add_experts(*moe, spec.moe()->router.rule, N, h.data(), x, tap);
    else
      add_ffn(std::get<GatedFfn>(block.feed_forward), N, h.data(), x);
    expect_finite_block(place, N * D, x);
  }
};

ReadyBlock::ReadyBlock(const DecoderModel& model, std::int64_t layer, const RopeTables& rope)
    : state_(std::make_unique<State>(model, layer, rope)) {}
ReadyBlock::~ReadyBlock() = default;

void ReadyBlock::run(const SequenceLayout& layout, float* x, const ExpertTap& tap) const {
  const auto D = state_->D;
  const auto tokens =
      std::max<std::int64_t>(1, kAttentionFloats / (state_->attention->floats_per_token() + D));
  for (std::int64_t first = 0; first < layout.sequences();) {
    auto last = first + 1;
    while (last < layout.sequences() && layout.begin(last + 1) - layout.begin(first) <= tokens) ++last;
    state_->attend(part(layout, first, last), x + layout.begin(first) * D, nullptr);
    first = last;
  }
  if (layout.tokens() > 0) state_->feed_forward(layout.tokens(), x, tap);
}

void ReadyBlock::run(std::int64_t N, float* x, KeyValues& past) const {
  state_->attend(SequenceLayout::uniform(1, N), x, &past);
  state_->feed_forward(N, x, {});
}

void embed(const DecoderModel& model, std::span<const std::int32_t> ids, float* x) {
  const auto D = static_cast<std::size_t>(model.width());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= model.vocabulary())
      throw UserError(fmt::format("token {} is {}, but the vocabulary has the ids 0 to {}", i, ids[i],
                                  model.vocabulary() - 1),
                      "tokenize with this model's own tokenizer");
    model.embedding.numbers.decode_rows(ids[i], 1, x + i * D);
  }
}

void decoder_logits(const DecoderModel& model, std::int64_t M, const float* rows, float* logits) {
  const auto D = model.width(), V = model.vocabulary();
  Buffer<float> h(M * D);
  const ReadyVector gamma(model.norm);
  norm_rows(M, D, rows, gamma.data(), model.spec.final_norm->epsilon, h.data());
  Buffer<float> buffer;
  for (std::int64_t first = 0; first < V; first += kHeadRows) {
    const auto count = std::min(kHeadRows, V - first);
    kernels::gemm(M, count, D, {h.data(), D}, {model.head.rows(first, count).read(buffer), D, true}, 0,
                  logits + first, V);
  }
  expect_finite_outputs(M * V, logits);
}

Buffer<float> run_sequence(const DecoderModel& model, std::span<const std::int32_t> ids,
                           const std::function<ExpertTap(std::int64_t)>& tap,
                           const std::function<void(std::int64_t, const float*)>& hidden) {
  const auto N = static_cast<std::int64_t>(ids.size());
  Buffer<float> x(N * model.width());
  embed(model, ids, x.data());
  const RopeTables rope(model.spec, N);
  for (std::int64_t layer = 0; layer < model.spec.layers(); ++layer) {
    ReadyBlock(model, layer, rope)
        .run(SequenceLayout::uniform(1, N), x.data(), tap ? tap(layer) : ExpertTap{});
    if (hidden) hidden(layer, x.data());
  }
  return x;
}

}  // namespace espalier::infer
