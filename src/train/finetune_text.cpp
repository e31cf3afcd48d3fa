#include "train/finetune_text.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "train/causal_language_modelling.h"
#include "train/checkpoint.h"
#include "train/training_loop.h"
#include "train/weights_hash.h"
#include "train/window_pruner.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

CausalText text_of(const TextFinetuneOptions& options) {
  CausalText text;
  text.tokenizer = options.model;
  text.text = options.text;
  text.validation_text = options.validation_text;
  text.cache = options.cache.empty() ? options.out / "corpus" : options.cache;
  text.batch_tokens = options.batch * options.sequence_length;
  text.sequence_length = options.sequence_length;
  text.validation_tokens = options.validation_tokens;
  return text;
}

train::Transformer load(const fs::path& folder) {
  auto model = train::load(Checkpoint::open(folder));
  if (!model.spec.heads.language)
    throw UserError(
        fmt::format("{}: {} models do not predict next tokens", folder.string(), model.spec.family),
        "--task causal_lm trains decoders");
  return model;
}

/// Mean over rows of KL(teacher || model); logits [N, V].
torch::Tensor divergence(const torch::Tensor& teacher, const torch::Tensor& model) {
  const auto target = torch::log_softmax(teacher, -1);
  return (target.exp() * (target - torch::log_softmax(model, -1))).sum(-1).mean();
}

class TextFinetuning final : public CausalLanguageModelling {
 public:
  explicit TextFinetuning(TextFinetuneOptions& options)
      : CausalLanguageModelling(load(options.model), text_of(options), options), options_(options) {
    if (options.teacher) load_teacher();
    const bool prunes = options.prune.schedule != PruneSchedule::kNone;
    if (prunes && options.part == TrainedPart::kRouters)
      throw UserError("--prune while routers alone are trained",
                      "the experts that stay have to learn: leave out --train router or --prune");
    if (prunes && options.steps > 0) start_pruning();
  }

  /// The text's length decides the steps, where epochs were asked for.
  void prepare() override {
    CausalLanguageModelling::prepare();
    if (options_.steps > 0) return;
    options_.steps = std::max<std::int64_t>(
        1, std::llround(std::ceil(options_.epochs * static_cast<double>(steps_of_an_epoch()))));
    if (options_.prune.schedule != PruneSchedule::kNone) start_pruning();
  }

  nlohmann::json resolved_options() const override {
    auto resolved = CausalLanguageModelling::resolved_options();
    resolved["model"] = options_.model.string();
    resolved["starting_weights_sha256"] = weights_hash(Checkpoint::open(options_.model));
    resolved["train"] = options_.part == TrainedPart::kAll ? "all" : "router";
    if (teacher_) {
      resolved["teacher_sha256"] = weights_hash(Checkpoint::open(*options_.teacher));
      resolved["teacher_share"] = options_.teacher_share;
    }
    resolved.update(resolved_options_of(options_.prune));
    return resolved;
  }

  std::vector<OptimizedParameter> parameters() override {
    if (options_.part == TrainedPart::kAll) return CausalLanguageModelling::parameters();
    std::vector<OptimizedParameter> routers;
    visit_parameters(model_, [&](const std::string& name, torch::Tensor& value) {
      if (name.ends_with(".gate.weight")) routers.push_back(optimized(name, value));
    });
    if (routers.empty())
      throw UserError(fmt::format("--train router: {} has no routers", options_.model.string()),
                      "name a Mixture-of-Experts model");
    return routers;
  }

  WindowPruner* pruner() override { return pruner_ ? &*pruner_ : nullptr; }

 protected:
  torch::Tensor task_loss(const CausalBatch& batch, const torch::Tensor& logits,
                          const train::ForwardOptions& options) const override {
    if (!teacher_) return CausalLanguageModelling::task_loss(batch, logits, options);
    torch::Tensor target;
    {
      const torch::NoGradGuard no_grad;
      const train::ForwardOptions quiet{.backend = options.backend};
      const auto output =
          train::encode(*teacher_, {torch::tensor(batch.ids, torch::kInt64), {}, {batch.offsets}}, quiet);
      target = train::next_token_logits(*teacher_, output.hidden, quiet);
    }
    const auto distance = divergence(target, logits);
    const double share = options_.teacher_share;
    if (share >= 1.0) return distance;
    return share * distance + (1.0 - share) * CausalLanguageModelling::task_loss(batch, logits, options);
  }

 private:
  void load_teacher() {
    teacher_ = load(*options_.teacher);
    if (teacher_->spec.text().vocabulary != model_.spec.text().vocabulary)
      throw UserError(fmt::format("--teacher {}: its vocabulary has {} pieces, the model's {}",
                                  options_.teacher->string(), teacher_->spec.text().vocabulary,
                                  model_.spec.text().vocabulary),
                      "a teacher has the model's own tokenizer");
  }

  void start_pruning() {
    auto rule = options_.prune;
    rule.steps = options_.steps;
    pruner_.emplace(model_, rule, options_.seed);
  }

  TextFinetuneOptions& options_;
  std::optional<train::Transformer> teacher_;
  std::optional<WindowPruner> pruner_;
};

}  // namespace

TextFinetuneSummary finetune_text(TextFinetuneOptions& options) {
  TextFinetuning objective(options);
  TextFinetuneSummary summary{run_training("finetune", objective, options), 0};
  summary.parameters = objective.parameter_count();
  return summary;
}

}  // namespace espalier
