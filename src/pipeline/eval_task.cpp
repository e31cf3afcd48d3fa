#include <fmt/format.h>

#include "base/error.h"
#include "data/baselines.h"
#include "eval/task_evaluation.h"
#include "pipeline/evaluations.h"
#include "text/model_tokenizer.h"
#include "text/tokenizer.h"

namespace espalier::pipeline {
namespace {

constexpr std::int64_t kLongestExample = 128;

/// The task with its labels numbered as the model's head numbers them.
Task task_of_model(const EvalOptions& options, const infer::EncoderModel& model) {
  const Task task = resolve_task(options.task);
  const std::string source = options.model.string();
  if (!model.classifier)
    throw UserError(fmt::format("{}: the model has no classification head", source),
                    "fine-tune it first: espalier finetune MODEL --task " + task.name);
  const bool regression = task.kind == TaskKind::kRegression;
  if (regression != (model.spec.heads.label_count() == 1))
    throw UserError(
        fmt::format("{}: the model answers with {} labels, and {} asks for {}", source,
                    model.spec.heads.label_count(), task.name, regression ? "a value" : "a label"),
        "evaluate it on the task it was fine-tuned for");
  return with_labels(task, model.spec.heads.labels, source);
}

std::int64_t length_of(const EvalOptions& options, const infer::EncoderModel& model) {
  const auto longest = model.spec.positions();
  if (options.sequence_length.value_or(1) > longest)
    throw UserError(fmt::format("--seq-len {}: the model holds positions for {} tokens",
                                *options.sequence_length, longest),
                    fmt::format("--seq-len {} or less", longest));
  return options.sequence_length.value_or(std::min(kLongestExample, longest));
}

}  // namespace

EvalSummary eval_task(const EvalOptions& options, const RunContext& context) {
  const auto files = parse_task_files(options.task.data);
  find_tokenizer(options.model);
  const infer::EncoderModel model = infer::load_encoder(Checkpoint::open(options.model));
  const WordPiece tokenizer = load_tokenizer(options.model);
  arch::check_vocabulary_size(model.spec.text(), tokenizer.vocabulary_size(), options.model.string());
  const Task task = task_of_model(options, model);
  const std::string split_name = options.split.value_or("dev");
  const TaskSplit split = read_task_split(task, files, split_name);
  const auto examples = encode_examples(split, tokenizer, length_of(options, model), context.progress);
  const auto evaluation = evaluate_task(model, task, examples, context.progress);
  EvalResult result{task.name,          split_name, static_cast<std::int64_t>(examples.size()),
                    evaluation.metrics, {},         {}};
  result.metrics["loss"] = evaluation.loss;
  for (const auto& baseline : baselines(read_task_split(task, files, "train"), split))
    result.baselines[baseline.name] = baseline.metrics;
  const std::string text = evaluation_text(options.model.string() + ":", task.primary, result);
  return {options.model, std::move(result), text, {}};
}

std::string evaluation_text(const std::string& subject, const std::vector<std::string>& primary,
                            const EvalResult& result) {
  std::string text = fmt::format("{} {} {} ({} examples): {}\n", subject, result.task, result.split,
                                 result.examples, metrics_text(primary, result.metrics));
  for (const auto& [name, metrics] : result.baselines)
    text += fmt::format("  {}: {}\n", name, metrics_text(primary, metrics));
  return text;
}

}  // namespace espalier::pipeline
