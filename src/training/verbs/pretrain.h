#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/verb.h"
#include "training/training_choice.h"

namespace espalier::training {

/// On text: an encoder by masked words, a decoder by the next token; or a vision model on images.
struct PretrainOptions : TrainingChoice {
  std::filesystem::path model;       ///< config.json of a new model, or a checkpoint to go on from
  std::filesystem::path vocabulary;  ///< vocab.txt or tokenizer.json of an encoder; empty: the checkpoint's
  std::filesystem::path tokenizer;   ///< of a decoder; empty: the checkpoint's
  std::vector<std::filesystem::path> text, validation_text;
  std::filesystem::path cache;  ///< of the tokenized corpus; empty: OUT/corpus
  std::int64_t batch_tokens = 4096;
  std::int64_t sequence_length = 128;
  double mask_share = 0.15, pair_share = 0.5;  ///< encoders
  std::int64_t validation_tokens = 100000;
  std::vector<std::string> train;       ///< parts of an encoder; none: all
  std::optional<double> router_jitter;  ///< encoders
  double expert_rate = 1.0;             ///< encoders
  ImageTrainingChoice images;
};
void describe(options::OptionTable& table, PretrainOptions& options);

/// Trains a model from random weights, or goes on. Leaves a run folder (train/pretrain.h). Throws UserError
/// for options that do not go together and a loss that is not finite, Interrupted after Ctrl-C with the state
/// saved.
RunSummary pretrain(const PretrainOptions& options, const pipeline::RunContext& context);

pipeline::Verb pretrain_verb();

}  // namespace espalier::training
