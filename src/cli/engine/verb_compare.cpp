#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/machine.h"
#include "cli/engine/engine_verbs.h"
#include "cli/engine/language_model.h"
#include "cli/engine/stream_arguments.h"
#include "eval/sequence_scores.h"
#include "infer/generate.h"

namespace espalier {
namespace {

/// Of the machine's memory that widened weights may take.
constexpr double kMemoryShare = 0.6;

struct CompareArguments {
  std::string first, second, out;
  DocumentOptions documents;
  std::vector<std::string> data;
  std::optional<std::int64_t> sequence_length;
  std::int64_t stride = 0;
  std::size_t limit = 0;
  std::vector<std::string> prompts;
  std::int64_t tokens = 40;  // that follow a prompt
  StreamArguments stream;
};

/// What both models make of a prompt, always the most probable token.
struct Continuations {
  std::string prompt, first, second;
};

std::string continuation(const infer::DecoderModel& model, const Tokenizer& tokenizer, std::string_view text,
                         std::int64_t count) {
  auto prompt = tokenizer.prefix();
  const auto ids = tokenizer.encode(text);
  prompt.insert(prompt.end(), ids.begin(), ids.end());
  const auto positions = static_cast<std::int64_t>(prompt.size()) + count;
  if (prompt.empty() || positions > model.config.max_positions) {
    throw UserError(fmt::format("--prompt: {} tokens and {} new ones, expected 1 to {} together",
                                prompt.size(), count, model.config.max_positions),
                    "choose a smaller --tokens, or another prompt");
  }
  const auto most_bytes = static_cast<std::uint64_t>(kMemoryShare * static_cast<double>(memory_bytes()));
  infer::Generation generation(model, positions, most_bytes);
  std::vector<std::int32_t> stops;
  if (tokenizer.eos()) stops.push_back(*tokenizer.eos());
  return tokenizer.decode(generate(generation, prompt, count, stops, {}));
}

std::vector<Continuations> continuations_of(const CompareArguments& arguments, const LanguageModel& first,
                                            const infer::DecoderModel& second) {
  std::vector<Continuations> all;
  for (const std::string& prompt : arguments.prompts) {
    all.push_back({prompt, continuation(first.model, *first.tokenizer, prompt, arguments.tokens),
                   continuation(second, *first.tokenizer, prompt, arguments.tokens)});
  }
  return all;
}

std::string json_of(const CompareArguments& arguments, const ModelComparison& comparison,
                    const TextToScore& text, std::span<const Continuations> continuations) {
  const auto perplexity = [](const std::string& model, const Perplexity& of) {
    return nlohmann::ordered_json{{"model", model}, {"perplexity", of.value()}, {"loss", of.loss}};
  };
  nlohmann::ordered_json json = {{"format", "espalier.comparison/1"},
                                 {"first", perplexity(arguments.first, comparison.first)},
                                 {"second", perplexity(arguments.second, comparison.second)},
                                 {"tokens", comparison.first.tokens},
                                 {"kl_divergence", comparison.kl_divergence},
                                 {"kl_divergence_max", comparison.kl_divergence_max},
                                 {"top1_agreement", comparison.top1_agreement},
                                 {"settings", text.settings}};
  for (const auto& [prompt, first, second] : continuations) {
    json["continuations"].push_back({{"prompt", prompt}, {"first", first}, {"second", second}});
  }
  return json.dump(2) + "\n";
}

void run_compare(const CompareArguments& arguments, const GlobalOptions& global) {
  const LanguageModel first = open_language_model(arguments.first);
  const infer::DecoderModel second = infer::load_decoder(Checkpoint::open(arguments.second));
  const auto length = std::min(window_length(arguments.sequence_length, first.model),
                               window_length(arguments.sequence_length, second));
  auto text = text_to_score(arguments.data, first, {length, arguments.stride}, arguments.documents);
  if (arguments.limit > 0 && text.windows.size() > arguments.limit) text.windows.resize(arguments.limit);
  const Terminal terminal(global);
  const ScratchFolder scratch;
  const auto comparison =
      compare_models(first.model, second, text.windows, stream_options(arguments.stream, scratch, terminal));
  terminal.finish();
  const auto continuations = continuations_of(arguments, first, second);
  const std::string json = json_of(arguments, comparison, text, continuations);
  if (!arguments.out.empty()) write_file(arguments.out, json);
  if (global.json) {
    std::cout << json;
    return;
  }
  std::cout << fmt::format("{}: perplexity {:.4f}\n{}: perplexity {:.4f}\n", arguments.first,
                           comparison.first.value(), arguments.second, comparison.second.value());
  std::cout << fmt::format(
      "KL divergence {:.6f} nats a token (largest {:.4f}), same first choice {:.2f}%, {} tokens\n",
      comparison.kl_divergence, comparison.kl_divergence_max, 100 * comparison.top1_agreement,
      grouped_text(static_cast<std::uint64_t>(comparison.first.tokens)));
}

}  // namespace

void add_compare(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<CompareArguments>();
  auto& a = *arguments;
  const auto positive = CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description("");
  app.add_option("first", a.first, "checkpoint folder of a decoder, with its tokenizer")
      ->required()
      ->type_name("A");
  app.add_option("second", a.second, "another of the same vocabulary")->required()->type_name("B");
  app.add_option("--data", a.data, "text files (plain, .gz, .zst, .jsonl)")->required()->type_name("FILE");
  add_document_options(app, a.documents);
  app.add_option("--seq-len", a.sequence_length,
                 "tokens of a window (default: 2048, or what the models hold)")
      ->check(positive)
      ->type_name("N");
  app.add_option("--stride", a.stride, "from window to window; default: no overlap")
      ->check(positive)
      ->type_name("N");
  app.add_option("--limit", a.limit, "the first so many windows; default: all")->type_name("N");
  app.add_option("--prompt", a.prompts, "also show what both make of this text")->type_name("TEXT");
  app.add_option("--tokens", a.tokens, "at most so many after a prompt")
      ->capture_default_str()
      ->check(positive);
  add_stream_options(app, a.stream);
  app.add_option("--out", a.out, "write the result here as JSON")->type_name("FILE");
  app.footer("Example:\n  espalier compare mixtral mixtral-pruned --data wiki.test.raw --seq-len 1024");
  app.callback([arguments, &global] { run_compare(*arguments, global); });
}

}  // namespace espalier
