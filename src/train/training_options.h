#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/files.h"
#include "base/progress.h"
#include "train/adamw_options.h"
#include "train/ops/backend.h"
#include "train/schedule.h"

namespace espalier {

enum class RunStart { kNew, kResume };

/// What every training run is told, whatever it trains on.
struct TrainingOptions {
  std::filesystem::path out;
  std::int64_t steps = 1000;  ///< optimizer steps
  double learning_rate = 5e-4;
  double warmup_share = 0.08;  ///< of the steps; 10k of 125k in 2206.00277
  Decay decay = Decay::kLinear;
  double final_learning_rate = 0.0;
  double balance_weight = 1e-2;
  std::optional<double> dropout;  ///< while training, instead of the config's; the saved config keeps its own
  Dtype model_dtype = Dtype::kF32;  ///< of the final model; F32 or BF16
  AdamWOptions adamw;
  std::int64_t log_every = 50;
  std::int64_t validate_every = 500;
  std::int64_t save_every = 500;
  std::uint64_t seed = 0;
  Backend backend = Backend::kOneDnn;
  RunStart start = RunStart::kNew;
  IfExists if_exists = IfExists::kFail;
  std::vector<std::string> command;  ///< as typed, for the manifest
  ProgressSink progress;
  NoteSink note;
};

struct TrainingSummary {
  std::int64_t steps = 0;
  std::int64_t tokens = 0;
  double seconds = 0.0;
  double loss = 0.0;                      ///< mean task loss since the last log line, nats
  std::optional<double> validation_loss;  ///< the last one, nats
};

/// Those of the options that decide the run's numbers, for the manifest.
nlohmann::json resolved_options(const TrainingOptions& options);

/// A resumed run must be the run that was started: the same numbers come only from the same options. A run
/// whose loss diverged may go on with smaller steps. `now` are the resolved options; throws UserError naming
/// the first that differs from the manifest in `options.out`.
void check_same_options(const TrainingOptions& options, nlohmann::json now);

}  // namespace espalier
