#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "data/choice_task.h"
#include "eval/sequence_scores.h"
#include "pipeline/evaluations.h"
#include "pipeline/language_model.h"
#include "report/quantities.h"

namespace espalier::pipeline {
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

EvalResult evaluate_choices(const ChoiceTask& task, const EvalOptions& options, const LanguageModel& model,
                            const infer::StreamOptions& stream) {
  const std::string split = options.split.value_or(task.split);
  auto items = read_choice_items(task, find_choice_file(task, parse_task_files(options.task.data), split));
  if (options.limit > 0 && items.size() > options.limit) items.resize(options.limit);
  const std::int64_t length = window_length(options.sequence_length, model.model);
  const auto scores = score_sequences(model.model, sequences_of(items, *model.tokenizer, length), stream);
  EvalResult result{task.name, split, static_cast<std::int64_t>(items.size()), {}, {}, {}};
  result.metrics = choice_metrics(task, items, by_item(items, scores));
  result.settings = {{"wording", "LM evaluation harness 0.4, zero-shot"},
                     {"sequence_length", std::to_string(length)},
                     {"in_front", "nothing"}};
  return result;
}

EvalResult evaluate_perplexity(const EvalOptions& options, const LanguageModel& model,
                               const infer::StreamOptions& stream) {
  const WindowOptions windows{window_length(options.sequence_length, model.model),
                              options.stride.value_or(0)};
  const std::vector<std::filesystem::path> files(options.task.data.begin(), options.task.data.end());
  const TextToScore text = text_to_score(files, model, windows, options.documents, options.limit);
  const auto perplexity = perplexity_of(text.windows, score_sequences(model.model, text.windows, stream));
  EvalResult result{"perplexity",
                    options.split.value_or("text"),
                    static_cast<std::int64_t>(text.windows.size()),
                    {},
                    {},
                    {}};
  result.metrics = {{"perplexity", perplexity.value()},
                    {"loss", perplexity.loss},
                    {"tokens", static_cast<double>(perplexity.tokens)}};
  result.settings = text.settings;
  return result;
}

std::string perplexity_text(const EvalResult& result, const std::string& model) {
  const auto& metrics = result.metrics;
  return fmt::format(
      "{}: perplexity {:.4f} (loss {:.4f}) over {} tokens in {} windows of {}, stride {}; {} in front, first "
      "token not scored\n",
      model, metrics.at("perplexity"), metrics.at("loss"),
      grouped_text(static_cast<std::uint64_t>(metrics.at("tokens"))),
      grouped_text(static_cast<std::uint64_t>(result.examples)), result.settings.at("sequence_length"),
      result.settings.at("stride"), result.settings.at("in_front"));
}

std::string choices_text(const EvalResult& result, const std::string& model) {
  const auto& metrics = result.metrics;
  std::string text;
  for (const char* name : {"accuracy", "accuracy_norm"}) {
    const auto found = metrics.find(name);
    if (found == metrics.end()) continue;
    text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", name, 100 * found->second);
    const double spread = metrics.at(std::string(name) + "_stderr");
    if (std::isfinite(spread)) text += fmt::format(" \u00b1 {:.2f}", 100 * spread);  // one item has none
  }
  return fmt::format("{}: {} {} ({} items): {}\n", model, result.task, result.split,
                     grouped_text(static_cast<std::uint64_t>(result.examples)), text);
}

}  // namespace

EvalSummary eval_language_model(const EvalOptions& options, const RunContext& context) {
  const ChoiceTask* task = find_choice_task(options.task.task);
  if (task == nullptr && options.task.task != "perplexity") {
    throw UserError(
        fmt::format("task {}: not one of a language model", options.task.task),
        "perplexity, boolq, openbookqa, arc_easy, arc_challenge, piqa, winogrande, hellaswag, mmlu, rte");
  }
  const LanguageModel model = open_language_model(options.model, context);
  const ScratchFolder scratch;
  const infer::StreamOptions stream = stream_options(options.memory, scratch, context);
  EvalResult result = task != nullptr ? evaluate_choices(*task, options, model, stream)
                                      : evaluate_perplexity(options, model, stream);
  const std::string name = options.model.string();
  const std::string text = task != nullptr ? choices_text(result, name) : perplexity_text(result, name);
  return {options.model, std::move(result), text, {}};
}

}  // namespace espalier::pipeline
