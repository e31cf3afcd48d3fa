#include "eval/masked_words.h"

#include <algorithm>

#include "eval/logit_rows.h"

namespace espalier {
namespace {

/// Vocabulary logits of the masked positions [M, V].
Buffer<float> masked_logits(const infer::EncoderModel& model, const MlmBatch& batch) {
  const auto D = model.width(), M = static_cast<std::int64_t>(batch.positions.size());
  const infer::SequenceLayout layout{batch.offsets};
  const auto hidden = encode(model, {batch.ids, batch.types, layout});
  Buffer<float> rows(M * D);
  for (std::int64_t i = 0; i < M; ++i)
    std::copy_n(hidden.data() + batch.positions[static_cast<std::size_t>(i)] * D, D, rows.data() + i * D);
  return masked_word_logits(model, M, rows.data());
}

/// The first `sequences` sequences of a batch.
void keep_first(MlmBatch& batch, std::size_t sequences) {
  if (batch.offsets.size() <= sequences + 1) return;
  batch.offsets.resize(sequences + 1);
  const auto tokens = batch.offsets.back();
  batch.ids.resize(static_cast<std::size_t>(tokens));
  batch.types.resize(static_cast<std::size_t>(tokens));
  const auto end = std::lower_bound(batch.positions.begin(), batch.positions.end(), tokens);
  batch.targets.resize(static_cast<std::size_t>(end - batch.positions.begin()));
  batch.positions.erase(end, batch.positions.end());
}

}  // namespace

MaskedWords evaluate_masked_words(const infer::EncoderModel& model, MlmBatches& batches, std::int64_t tokens,
                                  const ProgressSink& progress) {
  MaskedWords result;
  CorpusCursor cursor;
  double loss = 0;
  std::int64_t correct = 0;
  for (std::uint64_t left = batches.sequences(); left > 0 && result.tokens < tokens;) {
    auto batch = batches.next(cursor);
    keep_first(batch, left);  // a batch that reaches the end of the text goes on at its beginning
    left -= batch.offsets.size() - 1;
    const auto logits = masked_logits(model, batch);
    const LogitRows rows(static_cast<std::int64_t>(batch.targets.size()), model.vocabulary(), logits.data());
    for (std::int64_t i = 0; i < rows.count(); ++i) {
      const auto target = batch.targets[static_cast<std::size_t>(i)];
      loss -= rows.log_probability(i, target);
      correct += rows.first_choice(i) == target ? 1 : 0;
    }
    result.predicted += static_cast<std::int64_t>(batch.targets.size());
    result.tokens += batch.offsets.back();
    if (progress) {
      const bool last = left == 0 || result.tokens >= tokens;
      const auto total = last ? result.tokens : tokens;
      progress({"evaluating", static_cast<std::uint64_t>(result.tokens), static_cast<std::uint64_t>(total),
                "tokens"});
    }
  }
  result.loss = loss / static_cast<double>(result.predicted);
  result.accuracy = static_cast<double>(correct) / static_cast<double>(result.predicted);
  return result;
}

}  // namespace espalier
