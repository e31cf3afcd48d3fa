#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/engine/stream_arguments.h"
#include "cli/engine/task_arguments.h"
#include "cli/global_options.h"
#include "data/documents.h"

namespace espalier {

/// What `eval` read from the command line.
struct EvalArguments : TaskArguments {
  std::string model, out;
  std::optional<std::string> split;  // default: dev, or the one that a task of language models is measured on
  std::optional<std::int64_t> sequence_length;  // default: 128, or what the model holds

  // of masked words
  std::string vocabulary, cache;
  std::int64_t tokens = 100000, batch_tokens = 4096;
  double mask_share = 0.15;
  std::size_t examples = 0;

  // of language models
  std::int64_t stride = 0;  // 0: no overlap
  DocumentOptions documents;
  std::size_t limit = 0;  // 0: all
  StreamArguments stream;

  // of vision models
  std::string images;
  std::vector<std::string> classes;
};

/// Accuracy of a vision model on labelled images.
void eval_images(const EvalArguments& arguments, const GlobalOptions& global);

/// How well a model restores masked pieces of text files.
void eval_masked_words(const EvalArguments& arguments, const GlobalOptions& global);

/// Perplexity of a decoder on text, or its accuracy on questions with answers to choose from.
void eval_language_model(const EvalArguments& arguments, const GlobalOptions& global);

/// A fine-tuned model's metrics on a split of its task, with those of the baselines.
void eval_task(const EvalArguments& arguments, const GlobalOptions& global);

}  // namespace espalier
