#include "pipeline/verbs/predict.h"

#include <fmt/format.h>

#include "base/error.h"
#include "data/text_file.h"
#include "eval/span_evaluation.h"
#include "eval/task_evaluation.h"
#include "pipeline/make_verb.h"
#include "text/model_tokenizer.h"
#include "text/tokenizer.h"

namespace espalier::pipeline {
namespace {

/// What the model itself says it answers.
Task task_of(const infer::EncoderModel& model, const std::string& source) {
  if (!model.classifier)
    throw UserError(fmt::format("{}: the model has no classification head", source),
                    "predict with a model that `espalier finetune` left");
  Task task;
  task.name = model.source->config().value("finetuning_task", "predict");
  task.source = TaskSource::kTable;
  const bool regression = model.spec.heads.label_count() == 1;
  task.kind = regression ? TaskKind::kRegression : TaskKind::kClassification;
  if (!regression) task.labels = model.spec.heads.labels;
  for (auto i = static_cast<std::int64_t>(task.labels.size());
       !regression && i < model.spec.heads.label_count(); ++i)
    task.labels.push_back(fmt::format("LABEL_{}", i));
  return task;
}

/// One text a line; a tab divides a pair.
TaskSplit read_lines(const Task& task, const std::filesystem::path& file) {
  TaskSplit split{.task = task, .split = "predict", .file = file.string()};
  std::size_t pairs = 0;
  TextFile lines(file.empty() || file == "-" ? "/dev/stdin" : file);
  while (const auto line = lines.next_line()) {
    Example example;
    const auto tab = line->find('\t');
    example.first = std::string(line->substr(0, tab));
    if (tab != std::string_view::npos) example.second = std::string(line->substr(tab + 1));
    pairs += example.second ? 1 : 0;
    split.examples.push_back(std::move(example));
    if (pairs != 0 && pairs != split.examples.size())
      throw UserError(fmt::format("{}:{}: some lines have a tab and some have none", lines.path().string(),
                                  lines.line_number()),
                      "a line is one text, or two with a tab between them, in the whole file");
  }
  if (split.examples.empty())
    throw UserError(fmt::format("{}: no lines", lines.path().string()), "expected a text a line");
  return split;
}

LineAnswer answer_of(const Task& task, const Prediction& prediction) {
  if (prediction.probabilities.empty()) return {.value = prediction.answer};
  const auto number = static_cast<std::size_t>(prediction.answer);
  LineAnswer answer{LineAnswer::Kind::kLabel, task.labels.at(number), prediction.probabilities.at(number)};
  for (std::size_t label = 0; label < task.labels.size(); ++label)
    answer.probabilities.emplace_back(task.labels[label], prediction.probabilities[label]);
  return answer;
}

/// Each line is a question, a tab and the text that may answer it.
PredictSummary predict_spans(const infer::EncoderModel& model, const WordPiece& tokenizer,
                             std::int64_t length, const PredictOptions& options, const RunContext& context) {
  Questions questions;
  for (const Example& line : read_lines(question_task(), options.file).examples) {
    if (!line.second)
      throw UserError(fmt::format("{}: a line without a tab", options.file.string()),
                      "a line is a question, a tab, and the text that answers it");
    questions.questions.push_back(
        {fmt::to_string(questions.questions.size()), line.first, questions.contexts.size(), {}});
    questions.contexts.push_back(*line.second);
  }
  const double threshold = model.source->config().value("no_answer_threshold", 0.0);
  const auto windows = span_windows(questions, tokenizer, {.max_length = length});
  PredictSummary summary;
  for (const SpanAnswer& answer : answer_questions(model, questions, windows, context.progress))
    summary.answers.push_back({.kind = LineAnswer::Kind::kSpan,
                               .label = answer.margin > threshold ? "" : answer.text,
                               .value = answer.margin});
  return summary;
}

}  // namespace

void describe(options::OptionTable& table, PredictOptions& options) {
  table.positional("model", options.model, "MODEL", "folder of a fine-tuned model").require();
  table.positional(
      "file", options.file, "FILE",
      "a text a line, or two with a tab between them (of squad2 a question and a text); default: standard "
      "input");
  table.add("seq-len", options.sequence_length, "N", "longest sequence; default: what the model holds")
      .at_least(1);
}

PredictSummary predict(const PredictOptions& options, const RunContext& context) {
  find_tokenizer(options.model);
  const infer::EncoderModel model = infer::load_encoder(Checkpoint::open(options.model));
  const WordPiece tokenizer = load_tokenizer(options.model);
  arch::check_vocabulary_size(model.spec.text(), tokenizer.vocabulary_size(), options.model.string());
  const auto longest = model.spec.positions();
  const auto length = std::min(options.sequence_length.value_or(longest), longest);
  if (marks_answers(model)) return predict_spans(model, tokenizer, length, options, context);
  const Task task = task_of(model, options.model.string());
  const auto examples = encode_examples(read_lines(task, options.file), tokenizer, length);
  PredictSummary summary;
  for (const Prediction& prediction : predict_task(model, task, examples, context.progress))
    summary.answers.push_back(answer_of(task, prediction));
  return summary;
}

nlohmann::ordered_json to_json(const PredictSummary& summary) {
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  for (const LineAnswer& answer : summary.answers) {
    if (answer.kind == LineAnswer::Kind::kValue) {
      lines.push_back({{"value", answer.value}});
    } else if (answer.kind == LineAnswer::Kind::kSpan) {
      lines.push_back({{"answer", answer.label}, {"margin", answer.value}});
    } else {
      lines.push_back({{"label", answer.label}, {"probability", answer.probability}});
      for (const auto& [label, probability] : answer.probabilities)
        lines.back()["probabilities"][label] = probability;
    }
  }
  return lines;
}

std::string to_text(const PredictSummary& summary) {
  std::string text;
  for (const LineAnswer& answer : summary.answers) {
    if (answer.kind == LineAnswer::Kind::kValue)
      text += fmt::format("{:.4f}\n", answer.value);
    else
      text += fmt::format("{}\t{:.4f}\n", answer.label,
                          answer.kind == LineAnswer::Kind::kSpan ? answer.value : answer.probability);
  }
  return text;
}

Verb predict_verb() {
  return make_verb({"predict", "label lines of text with a fine-tuned model",
                    "Example:\n  espalier predict runs/wordnet/model lines.txt", 170},
                   predict);
}

}  // namespace espalier::pipeline
