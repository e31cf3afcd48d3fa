#include "data/mlm_batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rng.h"

namespace espalier {
namespace {

constexpr std::uint64_t kMaskStream = 2;
constexpr std::uint32_t kShortestPair = 16;  // tokens; shorter texts are one segment

/// Replaces the chosen position: 80% [MASK], 10% a random piece, 10% left as it is.
std::int64_t corrupted(std::int64_t id, const MlmOptions& options, Rng& rng) {
  const double draw = rng.uniform();
  if (draw < 0.8) return options.mask;
  if (draw >= 0.9) return id;
  const auto ordinary = static_cast<std::uint64_t>(options.vocabulary - options.first_ordinary);
  return options.first_ordinary + static_cast<std::int64_t>(rng.below(ordinary));
}

}  // namespace

MlmBatches::MlmBatches(const TokenCorpus& corpus, const MlmOptions& options)
    : corpus_(corpus), options_(options) {
  const auto longest = options.sequence_length - 3;  // [CLS] A [SEP] B [SEP]
  if (longest < 1 || options.batch_tokens < options.sequence_length)
    throw UserError(fmt::format("--seq-len {} with --batch-tokens {} holds no sequence",
                                options.sequence_length, options.batch_tokens),
                    "a sequence needs 4 tokens or more, and a batch at least one sequence");
  std::uint64_t begin = 0;
  for (const auto end : corpus.document_ends()) {
    for (; begin < end; begin += pieces_.back().length)
      pieces_.push_back({begin, static_cast<std::uint32_t>(std::min<std::uint64_t>(end - begin, longest))});
    begin = end;
  }
  if (pieces_.empty()) throw UserError("the corpus holds no tokens", "pass text files that are not empty");
}

void MlmBatches::order_for(std::uint64_t epoch) {
  if (ordered_epoch_ == epoch) return;
  order_ = epoch_order(options_.seed, epoch, pieces_.size());
  ordered_epoch_ = epoch;
}

void MlmBatches::append(const Piece& piece, std::uint64_t epoch, std::uint64_t index, MlmBatch& batch) const {
  Rng rng(options_.seed, counter_random(kMaskStream, epoch, index));
  const auto first = batch.ids.size();
  const bool pair = piece.length >= kShortestPair && rng.uniform() < options_.pair_share;
  const std::uint32_t cut = pair ? 1 + static_cast<std::uint32_t>(rng.below(piece.length - 1)) : piece.length;
  std::vector<std::int64_t> ordinary;
  batch.ids.push_back(options_.cls);
  for (std::uint32_t i = 0; i < piece.length; ++i) {
    if (i == cut) batch.ids.push_back(options_.sep);
    ordinary.push_back(static_cast<std::int64_t>(batch.ids.size()));
    batch.ids.push_back(corpus_.token(piece.begin + i));
  }
  batch.ids.push_back(options_.sep);
  batch.types.resize(batch.ids.size(), 1);
  const auto first_segment = pair ? cut + 2 : batch.ids.size() - first;  // [CLS] A [SEP]
  std::fill_n(batch.types.begin() + static_cast<std::ptrdiff_t>(first), first_segment, 0);
  batch.offsets.push_back(static_cast<std::int64_t>(batch.ids.size()));

  const auto masked = std::max<std::size_t>(
      1, static_cast<std::size_t>(std::lround(options_.mask_share * static_cast<double>(ordinary.size()))));
  for (std::size_t i = 0; i < masked; ++i)
    std::swap(ordinary[i], ordinary[i + rng.below(ordinary.size() - i)]);
  std::sort(ordinary.begin(), ordinary.begin() + static_cast<std::ptrdiff_t>(masked));
  for (std::size_t i = 0; i < masked; ++i) {
    auto& id = batch.ids[static_cast<std::size_t>(ordinary[i])];
    batch.positions.push_back(ordinary[i]);
    batch.targets.push_back(id);
    id = corrupted(id, options_, rng);
  }
}

MlmBatch MlmBatches::next(CorpusCursor& cursor) {
  MlmBatch batch;
  batch.offsets.push_back(0);
  for (;;) {
    if (cursor.next == pieces_.size()) cursor = {cursor.epoch + 1, 0};
    order_for(cursor.epoch);
    const auto index = order_[cursor.next];
    const auto& piece = pieces_[index];
    if (batch.offsets.back() + sequence_tokens(piece) > options_.batch_tokens) return batch;
    append(piece, cursor.epoch, index, batch);
    ++cursor.next;
  }
}

}  // namespace espalier
