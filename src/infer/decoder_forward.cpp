#include "infer/decoder_forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "infer/activations.h"
#include "infer/decoder_attention.h"
#include "infer/finite.h"
#include "kernels/gemm.h"

namespace espalier::infer {
namespace {

/// What attention may take on the way: it runs whole sequences, as many at a time as fit.
constexpr std::int64_t kAttentionFloats = std::int64_t{1} << 26;
/// Rows of the vocabulary that are widened at a time.
constexpr std::int64_t kHeadRows = 1 << 14;
constexpr std::int64_t kGrain = 1 << 14;  // elements of a thread

/// Sequences first .. last - 1 of a layout.
SequenceLayout part(const SequenceLayout& layout, std::int64_t first, std::int64_t last) {
  SequenceLayout part;
  for (std::int64_t b = first; b < last; ++b) part.append(layout.length(b));
  return part;
}

/// x += by * y, both [count]
void add_times(std::int64_t count, float by, const float* y, float* x) {
  parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) x[i] += by * y[i];
  });
}

/// What a language head does besides its product; logits [M, V].
void finish_logits(const DecoderModel& model, std::int64_t M, float* logits) {
  const arch::LanguageHead& head = *model.spec.heads.language;
  const auto V = model.vocabulary();
  if (model.head_bias.defined()) add_bias(M, V, ReadyVector(model.head_bias).data(), logits);
  if (head.multiplier == 1.0 && !head.softcap) return;
  const auto by = static_cast<float>(head.multiplier), cap = static_cast<float>(head.softcap.value_or(0.0));
  parallel_for(M * V, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) logits[i] *= by;
    for (std::int64_t i = begin; i < end && head.softcap; ++i) logits[i] = cap * std::tanh(logits[i] / cap);
  });
}

/// Keys that the indexer of a block chooses; 0 without one.
std::int64_t most_of(const arch::BlockSpec& spec) {
  const auto* latent = std::get_if<arch::LatentAttention>(&spec.mixer);
  return latent != nullptr && latent->indexer ? latent->indexer->most : 0;
}

/// nullptr for a block that has none.
std::unique_ptr<ReadyAttention> ready_mixer(const DecoderBlock& block, const arch::BlockSpec& spec,
                                            const RopeTable* rope) {
  return std::visit(
      [&](const auto& weights) -> std::unique_ptr<ReadyAttention> {
        if constexpr (std::is_same_v<std::decay_t<decltype(weights)>, std::monostate>)
          return nullptr;
        else
          return ready(weights, spec, rope);
      },
      block.attention);
}

}  // namespace

struct ReadyBlock::State {
  const arch::BlockSpec& spec;
  const DecoderBlock& block;
  std::int64_t place, D;
  ReadyNorm attention_norm, attention_output_norm, feed_forward_norm, feed_forward_output_norm;
  std::unique_ptr<ReadyAttention> attention;

  State(const DecoderModel& model, std::int64_t layer, const RopeTables& rope)
      : spec(model.spec.block(layer)),
        block(model.blocks.at(static_cast<std::size_t>(layer))),
        place(layer),
        D(model.width()),
        attention_norm(block.attention_norm, spec.norm),
        attention_output_norm(block.attention_output_norm, spec.norm),
        feed_forward_norm(block.feed_forward_norm, spec.norm),
        feed_forward_output_norm(block.feed_forward_output_norm, spec.norm),
        attention(ready_mixer(block, spec, rope.of(layer))) {}

  /// x += multiplier * norm(part), where `part(to)` adds what it gives to `to`.
  template <typename Part>
  void add_part(std::int64_t N, const ReadyNorm& output_norm, float* x, Part part) const {
    const auto by = static_cast<float>(spec.residual.multiplier);
    if (spec.residual.input_norms && !output_norm.defined() && by == 1.0F) return part(x);
    Buffer<float> y(N * D);
    y.fill(0.0F);
    part(y.data());
    if (output_norm.defined()) output_norm.run(N, D, y.data(), y.data());
    add_times(N * D, by, y.data(), x);
  }

  /// norm(x) in `room`, or x itself where there is no norm.
  const float* normed(const ReadyNorm& norm, std::int64_t N, const float* x, Buffer<float>& room) const {
    if (!norm.defined()) return x;
    float* h = room.room(N * D);
    norm.run(N, D, x, h);
    return h;
  }

  /// Attention to x [N, D], as many whole sequences at a time as fit; `h`: its input, nullptr: the norm of x.
  void attend(const SequenceLayout& layout, const float* h, float* x, KeyValues* past,
              std::int32_t* choice) const {
    const auto tokens = std::max<std::int64_t>(1, kAttentionFloats / (attention->floats_per_token() + D));
    Buffer<float> room;
    for (std::int64_t first = 0; first < layout.sequences();) {
      auto last = first + 1;
      while (last < layout.sequences() && layout.begin(last + 1) - layout.begin(first) <= tokens) ++last;
      const SequenceLayout some = part(layout, first, last);
      const auto N = some.tokens(), begin = layout.begin(first) * D;
      const float* in = h != nullptr ? h + begin : normed(attention_norm, N, x + begin, room);
      std::int32_t* chosen = choice == nullptr ? nullptr : choice + layout.begin(first) * most_of(spec);
      add_part(N, attention_output_norm, x + begin,
               [&](float* to) { attention->run(some, in, to, past, chosen); });
      first = last;
    }
  }

  void run(const SequenceLayout& layout, float* x, KeyValues* past, std::int32_t* choice,
           const ExpertTap& tap) const {
    const auto N = layout.tokens();
    Buffer<float> both, own;
    const float* h = spec.residual.parallel ? normed(attention_norm, N, x, both) : nullptr;
    if (attention) attend(layout, h, x, past, choice);
    if (N == 0 || std::holds_alternative<std::monostate>(block.feed_forward))
      return expect_finite_block(place, N * D, x);
    if (h == nullptr) h = normed(feed_forward_norm, N, x, own);
    add_part(N, feed_forward_output_norm, x, [&](float* to) {
      if (const auto* moe = block.moe())
        add_experts(*moe, spec.moe()->router.rule, N, h, to, tap);
      else
        add_ffn(std::get<GatedFfn>(block.feed_forward), N, h, to);
    });
    expect_finite_block(place, N * D, x);
  }
};

ReadyBlock::ReadyBlock(const DecoderModel& model, std::int64_t layer, const RopeTables& rope)
    : state_(std::make_unique<State>(model, layer, rope)) {}
ReadyBlock::~ReadyBlock() = default;

void ReadyBlock::run(const SequenceLayout& layout, float* x, const ExpertTap& tap,
                     std::int32_t* choice) const {
  state_->run(layout, x, nullptr, choice, tap);
}

void ReadyBlock::run(std::int64_t N, float* x, KeyValues& past, std::int32_t* choice) const {
  state_->run(SequenceLayout::uniform(1, N), x, &past, choice, {});
}

std::vector<std::int32_t> room_for_choices(const DecoderModel& model, std::int64_t N) {
  for (const arch::BlockSpec& block : model.spec.blocks) {
    const auto* latent = std::get_if<arch::LatentAttention>(&block.mixer);
    if (latent != nullptr && latent->indexer && latent->indexer->shared)
      return std::vector<std::int32_t>(static_cast<std::size_t>(N * latent->indexer->most));
  }
  return {};
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
  const auto by = static_cast<float>(model.spec.text().multiplier);
  if (by == 1.0F) return;
  for (std::size_t i = 0; i < ids.size() * D; ++i) x[i] *= by;
}

void decoder_logits(const DecoderModel& model, std::int64_t M, const float* rows, float* logits) {
  const auto D = model.width(), V = model.vocabulary();
  Buffer<float> h(M * D);
  ReadyNorm(model.norm, *model.spec.final_norm).run(M, D, rows, h.data());
  Buffer<float> buffer;
  for (std::int64_t first = 0; first < V; first += kHeadRows) {
    const auto count = std::min(kHeadRows, V - first);
    kernels::gemm(M, count, D, {h.data(), D}, {model.head.rows(first, count).read(buffer), D, true}, 0,
                  logits + first, V);
  }
  finish_logits(model, M, logits);
  expect_finite_outputs(M * V, logits);
}

Buffer<float> run_sequence(const DecoderModel& model, std::span<const std::int32_t> ids,
                           const std::function<ExpertTap(std::int64_t)>& tap,
                           const std::function<void(std::int64_t, const float*)>& hidden) {
  const auto N = static_cast<std::int64_t>(ids.size());
  Buffer<float> x(N * model.width());
  embed(model, ids, x.data());
  const RopeTables rope(model.spec, N);
  auto choices = room_for_choices(model, N);
  std::int32_t* choice = choices.empty() ? nullptr : choices.data();
  for (std::int64_t layer = 0; layer < model.spec.layers(); ++layer) {
    ReadyBlock(model, layer, rope)
        .run(SequenceLayout::uniform(1, N), x.data(), tap ? tap(layer) : ExpertTap{}, choice);
    if (hidden) hidden(layer, x.data());
  }
  return x;
}

}  // namespace espalier::infer
