#pragma once

#include <map>
#include <memory>

#include "artifacts/plan.h"
#include "model/bert.h"
#include "model/trainable_decoder.h"
#include "train/adamw.h"

namespace espalier {

/// A model whose experts are dropped while it is trained.
class PrunedModel {
 public:
  virtual ~PrunedModel() = default;

  /// MoE layer -> experts now; layers with one survivor that have no router any more are not among them.
  virtual std::map<int, int> experts() const = 0;
  virtual int experts_per_token() const = 0;
  virtual void apply(const Plan& plan) = 0;
  /// To the model and the optimizer's moments alike; the optimizer then has the model's new tensors.
  virtual void apply(const Plan& plan, AdamW& optimizer) = 0;
};

/// Valid while the model lives.
std::unique_ptr<PrunedModel> pruned_model(BertModel& model);
/// Throws UserError for routers whose gate of a lone expert would still depend on the token (sigmoid scores).
std::unique_ptr<PrunedModel> pruned_model(TrainableDecoder& model);

}  // namespace espalier
