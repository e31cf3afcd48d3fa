#include "train/masked_loss.h"

#include <torch/utils.h>

namespace espalier {

MaskedLoss masked_loss(const BertModel& model, const MlmBatch& batch, const ForwardOptions& options) {
  const auto device = model.embeddings.word.device();
  const auto ids = torch::tensor(batch.ids, torch::kInt64);
  const auto types = torch::tensor(batch.types, torch::kInt64);
  const auto encoding = encode(model, {ids, types, SequenceLayout{batch.offsets}}, options);
  const auto& ops = espalier::ops(options.backend);
  const auto rows = encoding.hidden.index_select(0, torch::tensor(batch.positions, torch::kInt64).to(device));
  const auto logits = mlm_logits(model, rows, options);
  return {ops.cross_entropy(logits, torch::tensor(batch.targets, torch::kInt64).to(device)),
          encoding.balance_loss};
}

double validation_loss(const BertModel& model, MlmBatches& batches, std::int64_t tokens, Backend backend) {
  const torch::NoGradGuard no_grad;
  CorpusCursor cursor;
  double sum = 0;
  std::size_t targets = 0;
  for (std::int64_t seen = 0; seen < tokens && cursor.epoch == 0;) {
    const auto batch = batches.next(cursor);
    seen += batch.offsets.back();
    const auto loss = masked_loss(model, batch, {.backend = backend}).mlm.item<double>();
    sum += loss * static_cast<double>(batch.targets.size());
    targets += batch.targets.size();
  }
  return sum / static_cast<double>(targets);
}

}  // namespace espalier
