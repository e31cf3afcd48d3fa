#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/eval_result.h"
#include "eval/masked_words.h"
#include "pipeline/shared_options.h"
#include "pipeline/stream_memory.h"
#include "pipeline/task_choice.h"
#include "pipeline/verb.h"

namespace espalier::pipeline {

/// What only the evaluation by masked words looks at.
struct MaskedWordOptions {
  std::filesystem::path vocabulary;  ///< empty: the model's
  std::filesystem::path cache;       ///< keeps the tokenized text; empty: nowhere
  std::int64_t tokens = 100000;      ///< stop after so many
  std::int64_t batch_tokens = 4096;
  double mask_share = 0.15;
  std::size_t examples = 0;  ///< masked texts with the model's guesses
};

/// By the model: an encoder on masked words or a task, a decoder on text or questions, a vision model on
/// images.
struct EvalOptions {
  std::filesystem::path model;
  TaskChoice task;                   ///< "mlm" and "perplexity" too; the data of these is text files
  std::optional<std::string> split;  ///< absent: dev, or the one that the task is measured on
  std::optional<std::int64_t> sequence_length;  ///< absent: 128, of decoders 2048, or what the model holds
  MaskedWordOptions masked_words;
  std::optional<std::int64_t> stride;  ///< of windows of text; absent: no overlap
  DocumentOptions documents;
  std::size_t limit = 0;  ///< the first so many items or windows; 0: all
  StreamMemory memory;
  ImageChoice images;
  std::filesystem::path out;  ///< eval.json; empty: nowhere
};
void describe(options::OptionTable& table, EvalOptions& options);

struct EvalSummary {
  std::filesystem::path model;
  EvalResult result;
  std::string text;  ///< the result for people
  std::vector<MaskedExample> examples;
};
nlohmann::ordered_json to_json(const EvalSummary& summary);
std::string to_text(const EvalSummary& summary);

/// Throws UserError for a task that is not one of the model's kind, and for data that is not there.
EvalSummary eval(const EvalOptions& options, const RunContext& context);

Verb eval_verb();

}  // namespace espalier::pipeline
