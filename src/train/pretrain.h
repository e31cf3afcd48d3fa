#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/progress.h"
#include "checkpoint/dtype.h"
#include "nn/backend.h"
#include "train/adamw_options.h"

namespace espalier {

enum class RunStart { kNew, kResume };

/// Masked-language-model pre-training of a BERT-shaped encoder, dense or Mixture-of-Experts.
struct PretrainOptions {
  std::filesystem::path config;      ///< config.json of the model to train
  std::filesystem::path vocabulary;  ///< vocab.txt
  std::vector<std::filesystem::path> text;
  std::vector<std::filesystem::path> validation_text;
  std::filesystem::path out;
  std::filesystem::path cache;  ///< of the tokenized corpus; empty: `out`/corpus
  std::int64_t steps = 1000;
  std::int64_t batch_tokens = 4096;
  std::int64_t sequence_length = 128;
  double learning_rate = 5e-4;
  double warmup_share = 0.08;  ///< of the steps; 10k of 125k in 2206.00277
  double mask_share = 0.15;
  double pair_share = 0.5;
  double balance_weight = 1e-2;
  std::optional<double> dropout;  ///< while training, instead of the config's; the saved config keeps its own
  Dtype model_dtype = Dtype::kF32;  ///< of the final model; F32 or BF16
  AdamWOptions adamw;
  std::int64_t log_every = 50;
  std::int64_t validate_every = 500;
  std::int64_t validation_tokens = 100000;
  std::int64_t save_every = 500;
  std::uint64_t seed = 0;
  Backend backend = Backend::kOneDnn;
  RunStart start = RunStart::kNew;
  IfExists if_exists = IfExists::kFail;
  std::vector<std::string> command;  ///< as typed, for the manifest
  ProgressSink progress;
  NoteSink note;
};

struct PretrainSummary {
  std::int64_t steps = 0;
  std::int64_t tokens = 0;
  double seconds = 0.0;
  double loss = 0.0;                      ///< mean masked cross-entropy since the last log line, nats
  std::optional<double> validation_loss;  ///< masked cross-entropy on the validation text, nats
};

/// Runs or resumes a pre-training run in `out` (manifest.json, metrics.jsonl, state.safetensors, model/).
/// Ctrl-C saves and throws Interrupted; a loss that is not finite is a UserError naming the step, and the
/// last state stays.
PretrainSummary pretrain(const PretrainOptions& options);

}  // namespace espalier
