#include "data/causal_batches.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace espalier {

CausalBatches::CausalBatches(const TokenCorpus& corpus, const CausalOptions& options)
    : corpus_(corpus), options_(options) {
  if (options.sequence_length < 1 || options.batch_tokens < options.sequence_length)
    throw UserError(fmt::format("--seq-len {} with --batch-tokens {} holds no row", options.sequence_length,
                                options.batch_tokens),
                    "a batch holds at least one row");
  const auto length = static_cast<std::uint64_t>(options.sequence_length);
  const std::uint64_t targets = corpus.size() - (options.bos ? 0 : 1);  // nothing stands before the first
  if (targets == 0) throw UserError("the corpus is a single token: nothing to predict", "take a longer text");
  rows_ = (targets + length - 1) / length;
  batch_rows_ = static_cast<std::uint64_t>(options.batch_tokens / options.sequence_length);
}

void CausalBatches::append(std::uint64_t row, CausalBatch& batch) const {
  const auto length = static_cast<std::uint64_t>(options_.sequence_length);
  const std::uint64_t first_target = row * length + (options_.bos ? 0 : 1);
  const std::uint64_t end = std::min(first_target + length, corpus_.size());
  for (std::uint64_t i = first_target; i < end; ++i) {
    const bool begins = i == first_target && options_.bos;
    batch.ids.push_back(begins ? *options_.bos : corpus_.token(i - 1));
    batch.targets.push_back(corpus_.token(i));
  }
  batch.offsets.push_back(static_cast<std::int64_t>(batch.ids.size()));
}

CausalBatch CausalBatches::next(CorpusCursor& cursor) {
  CausalBatch batch;
  batch.offsets.push_back(0);
  for (std::uint64_t i = 0; i < batch_rows_; ++i) {
    if (cursor.next >= rows_) cursor = {cursor.epoch + 1, 0};
    if (ordered_epoch_ != cursor.epoch) {
      order_ = epoch_order(options_.seed, cursor.epoch, rows_);
      ordered_epoch_ = cursor.epoch;
    }
    append(order_[cursor.next++], batch);
  }
  return batch;
}

CausalBatch CausalBatches::in_order(std::uint64_t first, std::uint64_t count) const {
  CausalBatch batch;
  batch.offsets.push_back(0);
  for (auto row = first; row < std::min(first + count, rows_); ++row) append(row, batch);
  return batch;
}

}  // namespace espalier
