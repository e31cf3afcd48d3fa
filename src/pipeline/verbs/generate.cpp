#include "pipeline/verbs/generate.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/memory_limit.h"
#include "base/stopwatch.h"
#include "infer/generate.h"
#include "pipeline/language_model.h"
#include "pipeline/make_verb.h"
#include "text/tokenizer.h"
#include "text/tokenizer_config.h"

namespace espalier::pipeline {
namespace {

/// Of the memory that is left, what widened weights may take.
constexpr double kWidenedShare = 0.6;

/// Ids that end a text: those of the model's settings, else the tokenizer's.
std::vector<std::int32_t> stops_of(const infer::DecoderModel& model, const Tokenizer* tokenizer) {
  auto stops = read_stop_ids(model.source->folder()).ids;
  if (stops.empty() && tokenizer != nullptr && tokenizer->eos()) stops.push_back(*tokenizer->eos());
  return stops;
}

std::vector<std::int32_t> prompt_of(const GenerateOptions& options, const Tokenizer* tokenizer) {
  if (!options.prompt) return options.prompt_ids;
  std::vector<std::int32_t> ids = tokenizer->prefix();
  const auto text = tokenizer->encode(*options.prompt);
  ids.insert(ids.end(), text.begin(), text.end());
  return ids;
}

/// Tells `context.part` of each new id: what whole characters its text adds, or the id itself where there is
/// no tokenizer.
class Listener {
 public:
  Listener(const RunContext& context, const Tokenizer* tokenizer, TextPart part)
      : context_(context), text_(tokenizer == nullptr ? nullptr : tokenizer->stream(part)) {}

  void add(std::int32_t id) { tell(text_ ? text_->add(id) : fmt::format("{} ", id)); }
  void finish() {
    if (text_) tell(text_->finish());
  }

 private:
  void tell(const std::string& part) const {
    if (context_.part && !part.empty()) context_.part(part);
  }
  const RunContext& context_;
  std::unique_ptr<TextStream> text_;
};

}  // namespace

void describe(options::OptionTable& table, GenerateOptions& options) {
  table.positional("model", options.model, "MODEL", "checkpoint folder of a decoder").require();
  table.add("prompt", options.prompt, "TEXT", "text to go on with");
  table.add("prompt-ids", options.prompt_ids, "ID", "token ids instead of text; ids are printed");
  table.add("tokens", options.count, "N", "at most so many new ones").at_least(1);
  table.add("temperature", options.temperature, "T", "0: always the most probable token").at_least(0);
  table.add("top-p", options.top_p, "P", "draw from the fewest tokens of this probability together")
      .between(0, 1);
  table.flag("ignore-stop", options.ignore_stop, "go on after an end-of-text token");
}

GenerateSummary generate(const GenerateOptions& options, const RunContext& context) {
  if (options.prompt.has_value() == !options.prompt_ids.empty())
    throw UserError("expected either --prompt or --prompt-ids",
                    "--prompt TEXT goes on with a text, --prompt-ids ID.. with token ids");
  const infer::DecoderModel model = open_decoder(options.model, context);
  const auto tokenizer = options.prompt ? open_tokenizer(options.model) : nullptr;
  GenerateSummary summary;
  summary.prompt_tokens = prompt_of(options, tokenizer.get());
  const auto& prompt = summary.prompt_tokens;
  if (prompt.empty()) throw UserError("--prompt: no tokens", "write at least one character");
  const auto given = static_cast<std::int64_t>(prompt.size());
  if (given > model.spec.positions() || options.count > model.spec.positions() - given)
    throw UserError(fmt::format("{} tokens of prompt and {} new ones, the model holds positions for {}",
                                prompt.size(), options.count, model.spec.positions()),
                    "choose a smaller --tokens");
  infer::Generation generation(
      model, given + options.count,
      static_cast<std::uint64_t>(kWidenedShare * static_cast<double>(memory_limit().bytes)));
  if (context.part && options.prompt) context.part(*options.prompt);
  Listener listener(context, tokenizer.get(),
                    options.prompt && !options.prompt->empty() ? TextPart::kContinuation : TextPart::kWhole);
  const Stopwatch stopwatch;
  summary.tokens =
      infer::generate(generation, prompt, options.count,
                      options.ignore_stop ? std::vector<std::int32_t>{} : stops_of(model, tokenizer.get()),
                      {.temperature = options.temperature, .top_p = options.top_p, .seed = context.seed},
                      [&](std::int32_t id) { listener.add(id); });
  listener.finish();
  summary.seconds = stopwatch.seconds();
  if (tokenizer != nullptr) {
    summary.prompt = tokenizer->decode(prompt);
    summary.text = tokenizer->decode(summary.tokens);
  }
  return summary;
}

nlohmann::ordered_json to_json(const GenerateSummary& summary) {
  nlohmann::ordered_json json = {{"format", "espalier.generate/1"},
                                 {"prompt_tokens", summary.prompt_tokens},
                                 {"tokens", summary.tokens},
                                 {"seconds", summary.seconds}};
  if (summary.prompt) json["prompt"] = *summary.prompt;
  if (summary.text) json["text"] = *summary.text;
  return json;
}

std::string to_text(const GenerateSummary& /*summary*/) {
  return "\n";
}

Verb generate_verb() {
  return make_verb(
      {"generate", "continue a text with a language model",
       "Example:\n  espalier generate mixtral --prompt \"Once upon a time\" --temperature 0.8 --top-p 0.95",
       150},
      generate);
}

}  // namespace espalier::pipeline
