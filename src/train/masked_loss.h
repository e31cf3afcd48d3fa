#pragma once

#include "data/mlm_batches.h"
#include "model/bert.h"

namespace espalier {

struct MaskedLoss {
  torch::Tensor mlm;      // scalar: mean cross-entropy at the masked positions, nats
  torch::Tensor balance;  // scalar, or undefined without MoE layers
};

/// Forward pass of a masked batch; the vocabulary head runs on the masked positions alone.
MaskedLoss masked_loss(const BertModel& model, const MlmBatch& batch, const ForwardOptions& options);

/// Mean masked cross-entropy over the first `tokens` tokens of `batches`, in evaluation mode; nats.
double validation_loss(const BertModel& model, MlmBatches& batches, std::int64_t tokens, Backend backend);

}  // namespace espalier
