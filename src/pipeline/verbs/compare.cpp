#include "pipeline/verbs/compare.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "base/machine.h"
#include "base/memory_limit.h"
#include "infer/generate.h"
#include "pipeline/language_model.h"
#include "pipeline/make_verb.h"
#include "pipeline/shared_options.h"
#include "report/quantities.h"

namespace espalier::pipeline {
namespace {

/// Of the machine's memory that widened weights may take.
constexpr double kMemoryShare = 0.6;

std::string continuation(const infer::DecoderModel& model, const Tokenizer& tokenizer, std::string_view text,
                         std::int64_t count) {
  auto prompt = tokenizer.prefix();
  const auto ids = tokenizer.encode(text);
  prompt.insert(prompt.end(), ids.begin(), ids.end());
  const auto positions = static_cast<std::int64_t>(prompt.size()) + count;
  if (prompt.empty() || positions > model.spec.positions()) {
    throw UserError(fmt::format("--prompt: {} tokens and {} new ones, expected 1 to {} together",
                                prompt.size(), count, model.spec.positions()),
                    "choose a smaller --tokens, or another prompt");
  }
  const auto most_bytes =
      static_cast<std::uint64_t>(kMemoryShare * static_cast<double>(memory_limit().bytes));
  infer::Generation generation(model, positions, most_bytes);
  std::vector<std::int32_t> stops;
  if (tokenizer.eos()) stops.push_back(*tokenizer.eos());
  return tokenizer.decode(infer::generate(generation, prompt, count, stops, {}));
}

}  // namespace

void describe(options::OptionTable& table, CompareOptions& options) {
  table.positional("first", options.first, "A", "checkpoint folder of a decoder, with its tokenizer")
      .require();
  table.positional("second", options.second, "B", "another of the same vocabulary").require();
  table.add("data", options.data, "FILE", "text files (plain, .gz, .zst, .jsonl)").require();
  describe_documents(table, options.documents);
  table
      .add("seq-len", options.sequence_length, "N",
           "tokens of a window (default: 2048, or what the models hold)")
      .at_least(1);
  table.add("stride", options.stride, "N", "from window to window; default: no overlap").at_least(1);
  table.add("limit", options.limit, "N", "the first so many windows; default: all").shows("");
  table.add("prompt", options.prompts, "TEXT", "also show what both make of this text");
  table.add("tokens", options.tokens, "N", "at most so many after a prompt").at_least(1);
  describe_stream(table, options.memory, "a mapped file");
  table.add("out", options.out, "FILE", "write the result here as JSON");
}

CompareSummary compare(const CompareOptions& options, const RunContext& context) {
  const LanguageModel first = open_language_model(options.first, context);
  const infer::DecoderModel second = open_decoder(options.second, context);
  const auto length = std::min(window_length(options.sequence_length, first.model),
                               window_length(options.sequence_length, second));
  const TextToScore text = text_to_score(options.data, first, {length, options.stride.value_or(0)},
                                         options.documents, options.limit);
  const ScratchFolder scratch;
  CompareSummary summary{
      options.first,
      options.second,
      compare_models(first.model, second, text.windows, stream_options(options.memory, scratch, context)),
      text.settings,
      {}};
  for (const std::string& prompt : options.prompts)
    summary.continuations.push_back({prompt,
                                     continuation(first.model, *first.tokenizer, prompt, options.tokens),
                                     continuation(second, *first.tokenizer, prompt, options.tokens)});
  if (!options.out.empty()) write_file(options.out, json_text(to_json(summary)));
  return summary;
}

nlohmann::ordered_json to_json(const CompareSummary& summary) {
  const auto perplexity = [](const std::filesystem::path& model, const Perplexity& of) {
    return nlohmann::ordered_json{{"model", model.string()}, {"perplexity", of.value()}, {"loss", of.loss}};
  };
  const ModelComparison& comparison = summary.comparison;
  nlohmann::ordered_json json = {{"format", "espalier.comparison/1"},
                                 {"first", perplexity(summary.first, comparison.first)},
                                 {"second", perplexity(summary.second, comparison.second)},
                                 {"tokens", comparison.first.tokens},
                                 {"kl_divergence", comparison.kl_divergence},
                                 {"kl_divergence_max", comparison.kl_divergence_max},
                                 {"top1_agreement", comparison.top1_agreement},
                                 {"settings", summary.settings}};
  for (const auto& [prompt, first, second] : summary.continuations) {
    json["continuations"].push_back({{"prompt", prompt}, {"first", first}, {"second", second}});
  }
  return json;
}

std::string to_text(const CompareSummary& summary) {
  const ModelComparison& comparison = summary.comparison;
  std::string continuations;
  for (const auto& [prompt, first, second] : summary.continuations)
    continuations += fmt::format("\n{}\n  {}: {}\n  {}: {}\n", prompt, summary.first.string(), first,
                                 summary.second.string(), second);
  return fmt::format("{}: perplexity {:.4f}\n{}: perplexity {:.4f}\n", summary.first.string(),
                     comparison.first.value(), summary.second.string(), comparison.second.value()) +
         fmt::format(
             "KL divergence {:.6f} nats a token (largest {:.4f}), same first choice {:.2f}%, {} tokens\n",
             comparison.kl_divergence, comparison.kl_divergence_max, 100 * comparison.top1_agreement,
             grouped_text(static_cast<std::uint64_t>(comparison.first.tokens))) +
         continuations;
}

Verb compare_verb() {
  return make_verb(
      {"compare", "measure how far two language models are apart on text",
       "Example:\n  espalier compare mixtral mixtral-pruned --data wiki.test.raw --seq-len 1024", 140},
      compare);
}

}  // namespace espalier::pipeline
