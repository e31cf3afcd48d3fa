#include "train/training_options.h"

#include <fmt/format.h>

#include "artifacts/run_manifest.h"
#include "base/error.h"

namespace espalier {

nlohmann::json resolved_options(const TrainingOptions& o) {
  nlohmann::json resolved{{"steps", o.steps},
                          {"learning_rate", o.learning_rate},
                          {"warmup_share", o.warmup_share},
                          {"balance_weight", o.balance_weight},
                          {"dropout", o.dropout ? nlohmann::json(*o.dropout) : nlohmann::json(nullptr)},
                          {"beta1", o.adamw.beta1},
                          {"beta2", o.adamw.beta2},
                          {"epsilon", o.adamw.epsilon},
                          {"weight_decay", o.adamw.weight_decay},
                          {"clip_norm", o.adamw.clip_norm},
                          {"backend", name(o.backend)}};
  // What is not usual is said, so that runs of before these options can be resumed.
  if (o.adamw.momentum) resolved["momentum"] = *o.adamw.momentum;
  if (o.decay == Decay::kCosine) resolved["decay"] = "cosine";
  if (o.final_learning_rate > 0) resolved["final_learning_rate"] = o.final_learning_rate;
  return resolved;
}

void check_same_options(const TrainingOptions& options, nlohmann::json now) {
  const auto file = options.out / "manifest.json";
  const auto before = read_manifest(file);
  auto then = before.options;
  now["seed"] = options.seed;
  then["seed"] = before.seed;
  const bool diverged = before.status == RunStatus::kFailed;
  for (const auto& [key, value] : now.items()) {
    if (diverged && (key == "learning_rate" || key == "clip_norm")) continue;
    const auto old = then.value(key, nlohmann::json());
    if (old != value)
      throw UserError(fmt::format("{}: the run was started with {} {}, not {}", file.string(), key,
                                  old.dump(), value.dump()),
                      "resume with the options of the start (manifest.json has them), or start a new run");
  }
}

}  // namespace espalier
