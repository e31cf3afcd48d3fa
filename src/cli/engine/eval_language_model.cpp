#include <fmt/format.h>

#include <iostream>

#include "artifacts/eval_result.h"
#include "base/error.h"
#include "cli/engine/eval_arguments.h"
#include "cli/engine/language_model.h"
#include "cli/terminal.h"
#include "eval/sequence_scores.h"

namespace espalier {
namespace {

/// Every answer of every item, in order.
std::vector<ScoredSequence> sequences_of(std::span<const ChoiceItem> items, const Tokenizer& tokenizer,
                                         std::int64_t positions) {
  std::vector<ScoredSequence> sequences;
  for (const ChoiceItem& item : items) {
    for (std::size_t k = 0; k < item.continuations.size(); ++k) {
      sequences.push_back(encode_choice(tokenizer, item.contexts[k], item.continuations[k], positions));
    }
  }
  return sequences;
}

std::vector<std::vector<double>> by_item(std::span<const ChoiceItem> items,
                                         std::span<const SequenceScore> scores) {
  std::vector<std::vector<double>> grouped;
  std::size_t next = 0;
  for (const ChoiceItem& item : items) {
    auto& group = grouped.emplace_back();
    for (std::size_t k = 0; k < item.continuations.size(); ++k)
      group.push_back(scores[next++].log_likelihood);
  }
  return grouped;
}

EvalResult evaluate_choices(const ChoiceTask& task, const EvalArguments& arguments,
                            const LanguageModel& model, const infer::StreamOptions& options) {
  const std::string split = arguments.split.value_or(task.split);
  auto items = read_choice_items(task, find_choice_file(task, parse_task_files(arguments.data), split));
  if (arguments.limit > 0 && items.size() > arguments.limit) items.resize(arguments.limit);
  const std::int64_t length = window_length(arguments.sequence_length, model.model);
  const auto scores = score_sequences(model.model, sequences_of(items, *model.tokenizer, length), options);
  EvalResult result{task.name, split, static_cast<std::int64_t>(items.size())};
  result.metrics = choice_metrics(task, items, by_item(items, scores));
  result.settings = {{"wording", "LM evaluation harness 0.4, zero-shot"},
                     {"sequence_length", std::to_string(length)},
                     {"in_front", "nothing"}};
  return result;
}

EvalResult evaluate_perplexity(const EvalArguments& arguments, const LanguageModel& model,
                               const infer::StreamOptions& options) {
  const WindowOptions windows{window_length(arguments.sequence_length, model.model), arguments.stride};
  auto text = text_to_score(arguments.data, model, windows, arguments.documents);
  if (arguments.limit > 0 && text.windows.size() > arguments.limit) text.windows.resize(arguments.limit);
  const auto perplexity = perplexity_of(text.windows, score_sequences(model.model, text.windows, options));
  EvalResult result{"perplexity", arguments.split.value_or("text"),
                    static_cast<std::int64_t>(text.windows.size())};
  result.metrics = {{"perplexity", perplexity.value()},
                    {"loss", perplexity.loss},
                    {"tokens", static_cast<double>(perplexity.tokens)}};
  result.settings = text.settings;
  return result;
}

void print(const EvalResult& result, const std::string& model) {
  const auto& metrics = result.metrics;
  if (result.task == "perplexity") {
    std::cout << fmt::format(
        "{}: perplexity {:.4f} (loss {:.4f}) over {} tokens in {} windows of {}, stride {}; {} in front, "
        "first token "
        "not scored\n",
        model, metrics.at("perplexity"), metrics.at("loss"),
        grouped_text(static_cast<std::uint64_t>(metrics.at("tokens"))),
        grouped_text(static_cast<std::uint64_t>(result.examples)), result.settings.at("sequence_length"),
        result.settings.at("stride"), result.settings.at("in_front"));
    return;
  }
  std::string text;
  for (const char* name : {"accuracy", "accuracy_norm"}) {
    const auto found = metrics.find(name);
    if (found == metrics.end()) continue;
    text += fmt::format("{}{} {:.2f} \u00b1 {:.2f}", text.empty() ? "" : ", ", name, 100 * found->second,
                        100 * metrics.at(std::string(name) + "_stderr"));
  }
  std::cout << fmt::format("{}: {} {} ({} items): {}\n", model, result.task, result.split,
                           grouped_text(static_cast<std::uint64_t>(result.examples)), text);
}

}  // namespace

void eval_language_model(const EvalArguments& arguments, const GlobalOptions& global) {
  const ChoiceTask* task = find_choice_task(arguments.task);
  if (task == nullptr && arguments.task != "perplexity") {
    throw UserError(
        fmt::format("task {}: not one of a language model", arguments.task),
        "perplexity, boolq, openbookqa, arc_easy, arc_challenge, piqa, winogrande, hellaswag, mmlu, rte");
  }
  const LanguageModel model = open_language_model(arguments.model);
  const Terminal terminal(global);
  const ScratchFolder scratch;
  const infer::StreamOptions options = stream_options(arguments.stream, scratch, terminal);
  const EvalResult result = task != nullptr ? evaluate_choices(*task, arguments, model, options)
                                            : evaluate_perplexity(arguments, model, options);
  terminal.finish();
  if (!arguments.out.empty()) write_eval_result(arguments.out, result);
  if (global.json) {
    std::cout << eval_result_to_json(result);
  } else {
    print(result, arguments.model);
  }
}

}  // namespace espalier
