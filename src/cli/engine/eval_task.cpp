#include <fmt/format.h>

#include <iostream>

#include "artifacts/eval_result.h"
#include "base/error.h"
#include "cli/engine/eval_arguments.h"
#include "cli/terminal.h"
#include "data/baselines.h"
#include "eval/task_evaluation.h"
#include "text/model_tokenizer.h"

namespace espalier {
namespace {

constexpr std::int64_t kSequenceLength = 128;

/// The task with its labels numbered as the model's head numbers them.
Task task_of_model(const EvalArguments& arguments, const infer::EncoderModel& model) {
  const auto task = resolve_task(arguments);
  if (!model.classifier)
    throw UserError(fmt::format("{}: the model has no classification head", arguments.model),
                    "fine-tune it first: espalier finetune MODEL --task " + task.name);
  const bool regression = task.kind == TaskKind::kRegression;
  if (regression != (model.config.num_labels() == 1))
    throw UserError(fmt::format("{}: the model answers with {} labels, and {} asks for {}", arguments.model,
                                model.config.num_labels(), task.name, regression ? "a value" : "a label"),
                    "evaluate it on the task it was fine-tuned for");
  return with_labels(task, model.config.labels, arguments.model);
}

std::int64_t length_of(const EvalArguments& arguments, const infer::EncoderModel& model) {
  const auto longest = model.config.max_position_embeddings;
  if (arguments.sequence_length.value_or(1) > longest)
    throw UserError(fmt::format("--seq-len {}: the model holds positions for {} tokens",
                                *arguments.sequence_length, longest),
                    fmt::format("--seq-len {} or less", longest));
  return arguments.sequence_length.value_or(std::min(kSequenceLength, longest));
}

}  // namespace

void eval_task(const EvalArguments& arguments, const GlobalOptions& global) {
  const auto files = parse_task_files(arguments.data);
  const auto model = infer::load_encoder(Checkpoint::open(arguments.model));
  const auto tokenizer = load_tokenizer(arguments.model);
  check_vocabulary_size(model.config, tokenizer.vocabulary_size(), arguments.model);
  const auto task = task_of_model(arguments, model);
  const std::string split_name = arguments.split.value_or("dev");
  const auto split = read_task_split(task, files, split_name);
  const Terminal terminal(global);
  const auto examples = encode_examples(split, tokenizer, length_of(arguments, model), terminal.progress());
  const auto evaluation = evaluate_task(model, task, examples, terminal.progress());
  terminal.finish();
  EvalResult result{task.name, split_name, static_cast<std::int64_t>(examples.size()), evaluation.metrics};
  result.metrics["loss"] = evaluation.loss;
  for (const auto& baseline : baselines(read_task_split(task, files, "train"), split))
    result.baselines[baseline.name] = baseline.metrics;
  if (!arguments.out.empty()) write_eval_result(arguments.out, result);
  if (global.json) {
    std::cout << eval_result_to_json(result);
    return;
  }
  std::cout << fmt::format("{}: {} {} ({} examples): {}\n", arguments.model, task.name, split_name,
                           examples.size(), metrics_text(task, result.metrics));
  for (const auto& [name, metrics] : result.baselines)
    std::cout << fmt::format("  {}: {}\n", name, metrics_text(task, metrics));
}

}  // namespace espalier
