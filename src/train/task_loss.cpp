#include "train/task_loss.h"

#include <torch/utils.h>

namespace espalier {

TaskOutput task_forward(const train::Transformer& model, const ExampleBatch& batch,
                        const train::ForwardOptions& options) {
  const SequenceLayout layout{batch.offsets};
  const auto encoding = train::encode(
      model, {torch::tensor(batch.ids, torch::kInt64), torch::tensor(batch.types, torch::kInt64), layout},
      options);
  return {train::classify(model, encoding.hidden, layout, options), encoding.balance_loss};
}

torch::Tensor task_loss(const Task& task, const torch::Tensor& scores, const ExampleBatch& batch,
                        Backend backend) {
  if (task.kind == TaskKind::kRegression)
    return (scores.squeeze(1) - torch::tensor(batch.values, torch::kFloat32).to(scores.device()))
        .square()
        .mean();
  return ops(backend).cross_entropy(scores, torch::tensor(batch.labels, torch::kInt64).to(scores.device()));
}

MaskedLoss masked_loss(const train::Transformer& model, const MlmBatch& batch,
                       const train::ForwardOptions& options) {
  const auto device = model.token.device();
  const auto ids = torch::tensor(batch.ids, torch::kInt64);
  const auto types = torch::tensor(batch.types, torch::kInt64);
  const auto rows = torch::tensor(batch.positions, torch::kInt64).to(device);
  const auto encoding = train::encode(model, {ids, types, SequenceLayout{batch.offsets}}, options, rows);
  const auto targets = torch::tensor(batch.targets, torch::kInt64).to(device);
  return {
      ops(options.backend).cross_entropy(train::masked_word_logits(model, encoding.hidden, options), targets),
      encoding.balance_loss};
}

}  // namespace espalier
