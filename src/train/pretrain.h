#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "train/starting_model.h"
#include "train/training_options.h"

namespace espalier {

/// Pre-training from text: masked language modelling of a BERT-shaped encoder, dense or Mixture-of-Experts,
/// or causal language modelling of a decoder, as config.json tells.
struct PretrainOptions : TrainingOptions {
  /// config.json of a model to train from random weights, or the folder of a checkpoint to go on from.
  std::filesystem::path model;
  std::optional<UpcycleRequest> upcycle;  ///< of a dense checkpoint
  std::filesystem::path
      vocabulary;  ///< vocab.txt or tokenizer.json of an encoder; empty: the checkpoint's own
  /// Folder or file of a decoder's tokenizer; empty: the checkpoint's own.
  std::filesystem::path tokenizer;
  std::vector<std::filesystem::path> text;
  std::vector<std::filesystem::path> validation_text;
  std::filesystem::path cache;  ///< of the tokenized corpus; empty: `out`/corpus
  std::int64_t batch_tokens = 4096;
  std::int64_t sequence_length = 128;
  double mask_share = 0.15;  ///< encoders
  double pair_share = 0.5;   ///< encoders
  std::int64_t validation_tokens = 100000;
  std::vector<std::string> train;       ///< parts of an encoder (train/trained_parts.h); none: all
  std::optional<double> router_jitter;  ///< of an encoder, instead of the config's, which the model keeps
  double expert_rate = 1.0;             ///< of an encoder: what its experts learn at, times the learning rate
};

/// Runs or resumes a pre-training run in `out` (manifest.json, metrics.jsonl, state.safetensors, model/).
/// Ctrl-C saves and throws Interrupted; a loss that is not finite is a UserError naming the step, and the
/// last state stays.
TrainingSummary pretrain(const PretrainOptions& options);

}  // namespace espalier
