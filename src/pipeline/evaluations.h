#pragma once

#include "pipeline/verbs/eval.h"

namespace espalier::pipeline {

// What `eval` does with each kind of model.

/// Accuracy of a vision model on labelled images.
EvalSummary eval_images(const EvalOptions& options, const RunContext& context);

/// How well an encoder restores masked pieces of text files.
EvalSummary eval_masked_words(const EvalOptions& options, const RunContext& context);

/// Perplexity of a decoder on text, or its accuracy on questions with answers to choose from.
EvalSummary eval_language_model(const EvalOptions& options, const RunContext& context);

/// A fine-tuned model's metrics on a split of its task, with those of the baselines.
EvalSummary eval_task(const EvalOptions& options, const RunContext& context);

/// How well a model, or a file of answers in its place, answers questions about texts.
EvalSummary eval_questions(const EvalOptions& options, const RunContext& context);

/// "SUBJECT TASK SPLIT (N examples): metrics" with the primary ones first, and a line for each baseline.
std::string evaluation_text(const std::string& subject, const std::vector<std::string>& primary,
                            const EvalResult& result);

}  // namespace espalier::pipeline
