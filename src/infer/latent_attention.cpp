#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "infer/causal_attention.h"
#include "infer/decoder_attention.h"
#include "infer/key_indexer.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

class ReadyLatent : public ReadyAttention {
 public:
  ReadyLatent(const LatentAttentionWeights& weights, const arch::BlockSpec& block, const RopeTable* rope)
      : query_down_(weights.query_down),
        query_(weights.query),
        key_value_down_(weights.key_value_down),
        key_value_(weights.key_value),
        output_(weights.output),
        query_norm_(weights.query_norm),
        key_value_norm_(weights.key_value_norm),
        spec_(std::get<arch::LatentAttention>(block.mixer)),
        epsilon_(static_cast<float>(spec_.norm_epsilon)),
        rope_(*rope) {
    if (spec_.indexer && !spec_.indexer->shared) indexer_.emplace(weights.indexer, spec_);
  }

  std::int64_t floats_per_token() const override {
    return 2 * query_row() + 2 * value_row() + key_value_.out() + key_value_down_.out() + query_down_.out();
  }

  void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past,
           std::int32_t* choice) const override {
    const auto N = layout.tokens();
    const auto first = past == nullptr ? 0 : past->length;
    std::vector<std::int32_t> own;
    std::int32_t* chosen = choices(first + layout.longest(), N, choice, own);
    Buffer<float> q(N * query_row()), k(N * query_row()), v(N * value_row()), y(N * value_row());
    Buffer<float> compressed;
    queries(N, h, compressed, q.data());
    keys_and_values(layout, first, h, k.data(), v.data());
    for (std::int64_t b = 0; b < layout.sequences(); ++b) {
      const auto begin = layout.begin(b), T = layout.length(b);
      turn(T, first, q.data() + begin * query_row() + spec_.nope_width, query_row(), spec_.heads);
      if (spec_.temperature)
        heat(*spec_.temperature, T, first, q.data() + begin * query_row(), query_row(), query_row());
      AttendedKeys keys{k.data() + begin * query_row(), v.data() + begin * value_row(), T};
      if (past != nullptr)
        keys = append(*past, T, keys.keys, query_row(), query_row(), keys.values, value_row(), value_row());
      std::int32_t* rows = chosen == nullptr ? nullptr : chosen + begin * spec_.indexer->most;
      if (indexer_ && (rows != nullptr || past != nullptr))
        indexer_->choose(T, first, h + begin * width(), compressed.data() + begin * query_down_.out(), rope_,
                         past, rows);
      attend(T, first, q.data() + begin * query_row(), keys, rows, y.data() + begin * value_row());
    }
    output_.run(N, y.data(), value_row(), LinearStore::kAdd, residual, width());
  }

 private:
  /// The keys that tokens of this run see; nullptr: all before them. An indexer writes them where those who
  /// share them look, or into `own`.
  std::int32_t* choices(std::int64_t tokens, std::int64_t N, std::int32_t* shared,
                        std::vector<std::int32_t>& own) const {
    if (!spec_.indexer || tokens <= spec_.indexer->most) return nullptr;
    if (shared != nullptr) return shared;
    if (spec_.indexer->shared)
      throw UserError(
          fmt::format(
              "a sequence has {} tokens, but this model's layers share their choice of {} keys (index_topk), "
              "and here they run one at a time",
              tokens, spec_.indexer->most),
          fmt::format("cut sequences: --seq-len {} or less", spec_.indexer->most));
    own.resize(static_cast<std::size_t>(N * spec_.indexer->most));
    return own.data();
  }

  std::int64_t width() const { return output_.out(); }  // D
  std::int64_t query_row() const { return spec_.heads * spec_.key_width(); }
  std::int64_t value_row() const { return spec_.heads * spec_.value_width; }

  void norm(std::int64_t N, float* x, std::int64_t width, std::int64_t stride, const float* gamma) const {
    simd::kernels().rms_norm({.x = x,
                              .gamma = gamma,
                              .y = x,
                              .n = N,
                              .d = width,
                              .x_stride = stride,
                              .y_stride = stride,
                              .eps = epsilon_});
  }

  /// Turns the part of each head that is turned by its position.
  void turn(std::int64_t T, std::int64_t first, float* x, std::int64_t stride, std::int64_t heads) const {
    infer::turn(spec_.rotary, rope_, T, first, x, stride, heads, spec_.key_width());
  }

  /// `compressed` takes what the indexer asks with: [N, query rank].
  void queries(std::int64_t N, const float* h, Buffer<float>& compressed, float* q) const {
    if (!query_down_.defined()) return query_.run(N, h, width(), LinearStore::kOverwrite, q, query_row());
    const auto rank = query_down_.out();
    compressed = Buffer<float>(N * rank);
    query_down_.run(N, h, width(), LinearStore::kOverwrite, compressed.data(), rank);
    norm(N, compressed.data(), rank, rank, query_norm_.data());
    query_.run(N, compressed.data(), rank, LinearStore::kOverwrite, q, query_row());
  }

  /// k [N, H (n + r)]: a head's own part and the part that all heads share; v [N, H v].
  void keys_and_values(const SequenceLayout& layout, std::int64_t first, const float* h, float* k,
                       float* v) const {
    const auto N = layout.tokens(), rank = spec_.key_value_rank, row = key_value_down_.out();
    Buffer<float> compressed(N * row), expanded(N * key_value_.out());
    float* c = compressed.data();
    key_value_down_.run(N, h, width(), LinearStore::kOverwrite, c, row);
    norm(N, c, rank, row, key_value_norm_.data());
    for (std::int64_t b = 0; b < layout.sequences(); ++b)
      turn(layout.length(b), first, c + layout.begin(b) * row + rank, row, 1);
    key_value_.run(N, c, row, LinearStore::kOverwrite, expanded.data(), key_value_.out());
    const float* e = expanded.data();
    const auto nope = spec_.nope_width, value = spec_.value_width;
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < N * spec_.heads; ++i) {
      const float* shared = c + i / spec_.heads * row + rank;
      std::copy_n(e + i * (nope + value), nope, k + i * spec_.key_width());
      std::copy_n(shared, spec_.rotary.width, k + i * spec_.key_width() + nope);
      std::copy_n(e + i * (nope + value) + nope, value, v + i * value);
    }
  }

  void attend(std::int64_t T, std::int64_t first, const float* q, const AttendedKeys& keys,
              const std::int32_t* chosen, float* y) const {
    if (chosen != nullptr)
      return chosen_attention({q, keys.keys, keys.values, chosen, y, T, first, spec_.indexer->most,
                               spec_.heads, spec_.key_width(), spec_.value_width,
                               static_cast<float>(spec_.scale)});
    causal_attention({.q = q,
                      .k = keys.keys,
                      .v = keys.values,
                      .out = y,
                      .q_stride = query_row(),
                      .k_stride = query_row(),
                      .v_stride = value_row(),
                      .out_stride = value_row(),
                      .queries = T,
                      .keys = keys.count,
                      .heads = spec_.heads,
                      .key_value_heads = spec_.heads,
                      .key_width = spec_.key_width(),
                      .value_width = spec_.value_width,
                      .window = spec_.window,
                      .scale = static_cast<float>(spec_.scale)});
  }

  ReadyLinear query_down_, query_, key_value_down_, key_value_, output_;
  ReadyVector query_norm_, key_value_norm_;
  const arch::LatentAttention& spec_;
  float epsilon_;
  const RopeTable& rope_;
  std::optional<ReadyKeyIndexer> indexer_;
};

}  // namespace

std::unique_ptr<ReadyAttention> ready(const LatentAttentionWeights& weights, const arch::BlockSpec& block,
                                      const RopeTable* rope) {
  return std::make_unique<ReadyLatent>(weights, block, rope);
}

}  // namespace espalier::infer
