#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/stopwatch.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "infer/generate.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

/// Of the machine's memory that widened weights may take.
constexpr double kMemoryShare = 0.6;

struct GenerateArguments {
  std::string model;
  std::optional<std::string> prompt;
  std::vector<std::int32_t> ids;
  std::int64_t count = 64;
  double temperature = 0.0, top_p = 1.0;
  bool ignore_stop = false;
};

/// Ids that end a text: of config.json and of generation_config.json (one or a list), or the tokenizer's.
std::vector<std::int32_t> stops_of(const infer::DecoderModel& model, const Tokenizer* tokenizer) {
  std::vector<std::int32_t> stops;
  if (model.config.eos_token) stops.push_back(static_cast<std::int32_t>(*model.config.eos_token));
  if (tokenizer != nullptr && tokenizer->eos()) stops.push_back(*tokenizer->eos());
  const auto file = model.source->folder() / "generation_config.json";
  if (!std::filesystem::exists(file)) return stops;
  JsonObject object(read_json(file), file.string());
  const nlohmann::json* eos = object.find_value("eos_token_id");
  if (eos == nullptr) return stops;
  for (const nlohmann::json& id : eos->is_array() ? *eos : nlohmann::json::array({*eos}))
    if (id.is_number_integer()) stops.push_back(id.get<std::int32_t>());
  return stops;
}

std::vector<std::int32_t> prompt_of(const GenerateArguments& arguments, const Tokenizer* tokenizer) {
  if (!arguments.prompt) return arguments.ids;
  std::vector<std::int32_t> ids = tokenizer->prefix();
  const auto text = tokenizer->encode(*arguments.prompt);
  ids.insert(ids.end(), text.begin(), text.end());
  return ids;
}

/// Text as it grows: decoding all ids again gives the characters that their last ones complete.
class GrowingText {
 public:
  GrowingText(const Tokenizer& tokenizer, std::vector<std::int32_t> prompt)
      : tokenizer_(tokenizer), ids_(std::move(prompt)), shown_(tokenizer.decode(ids_).size()) {}
  /// What `id` adds.
  std::string add(std::int32_t id) {
    ids_.push_back(id);
    const std::string text = tokenizer_.decode(ids_);
    const std::string added = text.size() > shown_ ? text.substr(shown_) : "";
    shown_ = std::max(shown_, text.size());
    return added;
  }

 private:
  const Tokenizer& tokenizer_;
  std::vector<std::int32_t> ids_;
  std::size_t shown_;
};

void print_json(const std::vector<std::int32_t>& prompt, const std::vector<std::int32_t>& made,
                const Tokenizer* tokenizer, double seconds) {
  nlohmann::ordered_json json = {
      {"format", "espalier.generate/1"}, {"prompt_tokens", prompt}, {"tokens", made}, {"seconds", seconds}};
  if (tokenizer != nullptr) {
    json["prompt"] = tokenizer->decode(prompt);
    json["text"] = tokenizer->decode(made);
  }
  std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void run_generate(const GenerateArguments& arguments, const GlobalOptions& global) {
  if (arguments.prompt.has_value() == !arguments.ids.empty())
    throw UserError("expected either --prompt or --prompt-ids");
  const infer::DecoderModel model = infer::load_decoder(Checkpoint::open(arguments.model));
  const auto tokenizer = arguments.prompt ? open_tokenizer(arguments.model) : nullptr;
  const auto prompt = prompt_of(arguments, tokenizer.get());
  if (prompt.empty()) throw UserError("--prompt: no tokens", "write at least one character");
  const auto positions = static_cast<std::int64_t>(prompt.size()) + arguments.count;
  if (positions > model.config.max_positions)
    throw UserError(fmt::format("{} tokens of prompt and {} new ones, the model holds positions for {}",
                                prompt.size(), arguments.count, model.config.max_positions),
                    "choose a smaller --tokens");
  infer::Generation generation(
      model, positions, static_cast<std::uint64_t>(kMemoryShare * static_cast<double>(memory_bytes())));
  std::optional<GrowingText> text;
  if (tokenizer != nullptr && !global.json) {
    text.emplace(*tokenizer, prompt);
    std::cout << *arguments.prompt << std::flush;
  }
  const Stopwatch stopwatch;
  const auto made =
      generate(generation, prompt, arguments.count,
               arguments.ignore_stop ? std::vector<std::int32_t>{} : stops_of(model, tokenizer.get()),
               {.temperature = arguments.temperature, .top_p = arguments.top_p, .seed = global.seed},
               [&](std::int32_t id) {
                 if (text) std::cout << text->add(id) << std::flush;
                 if (!text && !global.json) std::cout << id << ' ' << std::flush;
               });
  if (global.json) return print_json(prompt, made, tokenizer.get(), stopwatch.seconds());
  std::cout << '\n';
}

}  // namespace

void add_generate(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<GenerateArguments>();
  GenerateArguments& a = *arguments;
  app.add_option("model", a.model, "checkpoint folder of a decoder")->required()->type_name("MODEL");
  app.add_option("--prompt", a.prompt, "text to go on with")->type_name("TEXT");
  app.add_option("--prompt-ids", a.ids, "token ids instead of text; ids are printed")->type_name("ID");
  app.add_option("--tokens", a.count, "at most so many new ones")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--temperature", a.temperature, "0: always the most probable token")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--top-p", a.top_p, "draw from the fewest tokens of this probability together")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--ignore-stop", a.ignore_stop, "go on after an end-of-text token");
  app.footer(
      "Example:\n  espalier generate mixtral --prompt \"Once upon a time\" --temperature 0.8 --top-p 0.95");
  app.callback([arguments, &global] { run_generate(*arguments, global); });
}

}  // namespace espalier
