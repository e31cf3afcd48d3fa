#include "eval/masked_words.h"

#include <torch/utils.h>

#include <algorithm>

namespace espalier {
namespace {

struct MaskedLogits {
  torch::Tensor logits;        // [M, V]
  torch::Tensor targets;       // [M] int64
  torch::Tensor balance_loss;  // scalar, or undefined
};

MaskedLogits masked_logits(const BertModel& model, const MlmBatch& batch, const ForwardOptions& options) {
  const auto device = model.embeddings.word.device();
  const auto ids = torch::tensor(batch.ids, torch::kInt64);
  const auto types = torch::tensor(batch.types, torch::kInt64);
  const auto encoding = encode(model, {ids, types, SequenceLayout{batch.offsets}}, options);
  const auto rows = encoding.hidden.index_select(0, torch::tensor(batch.positions, torch::kInt64).to(device));
  return {mlm_logits(model, rows, options), torch::tensor(batch.targets, torch::kInt64).to(device),
          encoding.balance_loss};
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

MaskedLoss masked_loss(const BertModel& model, const MlmBatch& batch, const ForwardOptions& options) {
  const auto masked = masked_logits(model, batch, options);
  return {ops(options.backend).cross_entropy(masked.logits, masked.targets), masked.balance_loss};
}

MaskedWords evaluate_masked_words(const BertModel& model, MlmBatches& batches, std::int64_t tokens,
                                  Backend backend, const ProgressSink& progress) {
  const torch::NoGradGuard no_grad;
  MaskedWords result;
  CorpusCursor cursor;
  double loss = 0;
  std::int64_t correct = 0;
  for (std::uint64_t left = batches.sequences(); left > 0 && result.tokens < tokens;) {
    auto batch = batches.next(cursor);
    keep_first(batch, left);  // a batch that reaches the end of the text goes on at its beginning
    left -= batch.offsets.size() - 1;
    const auto masked = masked_logits(model, batch, {.backend = backend});
    const auto mean = ops(backend).cross_entropy(masked.logits, masked.targets).item<double>();
    loss += mean * static_cast<double>(batch.targets.size());
    correct += masked.logits.argmax(1).eq(masked.targets).sum().item<std::int64_t>();
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
