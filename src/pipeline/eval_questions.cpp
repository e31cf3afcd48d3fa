#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "eval/span_evaluation.h"
#include "pipeline/evaluations.h"
#include "text/model_tokenizer.h"

namespace espalier::pipeline {
namespace {

constexpr std::int64_t kLongestWindow = 384;

/// What the model answers, with the threshold that it was left with.
Predictions model_answers(const EvalOptions& options, const Questions& questions, const RunContext& context) {
  const infer::EncoderModel model = infer::load_encoder(Checkpoint::open(options.model));
  if (!marks_answers(model))
    throw UserError(fmt::format("{}: the model marks no answers", options.model.string()),
                    fmt::format("fine-tune it first: espalier finetune MODEL --task {}", kQuestionTask));
  const WordPiece tokenizer = load_tokenizer(options.model);
  arch::check_vocabulary_size(model.spec.text(), tokenizer.vocabulary_size(), options.model.string());
  const auto longest = std::min(options.sequence_length.value_or(kLongestWindow), model.spec.positions());
  const auto windows = span_windows(questions, tokenizer, {.max_length = longest}, context.progress);
  const auto answers = answer_questions(model, questions, windows, context.progress);
  return decided(questions, answers, model.source->config().value("no_answer_threshold", 0.0));
}

}  // namespace

EvalSummary eval_questions(const EvalOptions& options, const RunContext& context) {
  const std::string split = options.split.value_or("dev");
  const auto questions = read_question_split(parse_task_files(options.task.data), split).questions;
  const bool given = std::filesystem::is_regular_file(options.model);
  const Predictions predictions = given ? parse_predictions(read_file(options.model), options.model.string())
                                        : model_answers(options, questions, context);
  EvalResult result{kQuestionTask, split, static_cast<std::int64_t>(questions.questions.size()),
                    answer_metrics(questions, predictions, options.model.string())};
  const std::string text = evaluation_text(options.model.string() + ":", question_task().primary, result);
  return {options.model, std::move(result), text, {}};
}

}  // namespace espalier::pipeline
