#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "arch/described_model.h"
#include "base/error.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "eval/sequence_outputs.h"

namespace espalier {
namespace {

struct LogitsArguments {
  std::string model, tokens, out;
};

/// What was run, and how many tensors were written.
struct Written {
  TokenSequences sequences;
  std::int64_t tensors = 0;
};

Written run_encoder(const LogitsArguments& arguments, Checkpoint checkpoint) {
  const infer::EncoderModel model = infer::load_encoder(std::move(checkpoint));
  Written written;
  written.sequences =
      read_token_sequences(arguments.tokens, model.config.vocab_size, model.config.max_position_embeddings);
  written.tensors = write_sequence_outputs(model, written.sequences, arguments.out);
  return written;
}

Written run_decoder(const LogitsArguments& arguments, Checkpoint checkpoint) {
  const infer::DecoderModel model = infer::load_decoder(std::move(checkpoint));
  Written written;
  written.sequences =
      read_token_sequences(arguments.tokens, model.config.vocab_size, model.config.max_positions);
  written.tensors = write_sequence_outputs(model, written.sequences, arguments.out);
  return written;
}

void run_logits(const LogitsArguments& arguments, const GlobalOptions& global) {
  Checkpoint checkpoint = Checkpoint::open(arguments.model);
  const bool decodes = arch::kind_of(arch::read_spec(checkpoint)) == arch::ModelKind::kDecoder;
  const auto [sequences, tensors] =
      decodes ? run_decoder(arguments, std::move(checkpoint)) : run_encoder(arguments, std::move(checkpoint));
  std::size_t tokens = 0;
  for (const auto& sequence : sequences) tokens += sequence.size();
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.logits/1"},
                                         {"out", arguments.out},
                                         {"sequences", sequences.size()},
                                         {"tokens", tokens},
                                         {"tensors", tensors}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}: {} tensors of {} sequence{}, {} tokens\n", arguments.out,
                           grouped_text(static_cast<std::uint64_t>(tensors)), grouped_text(sequences.size()),
                           sequences.size() == 1 ? "" : "s", grouped_text(tokens));
}

}  // namespace

void add_logits(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<LogitsArguments>();
  app.add_option("model", arguments->model, "checkpoint folder of an encoder or a decoder")
      ->required()
      ->type_name("MODEL");
  app.add_option("--tokens", arguments->tokens, "{\"sequences\": [[..], ..]}, as `tokenize` writes it")
      ->required()
      ->type_name("FILE");
  app.add_option(
         "--out", arguments->out,
         "safetensors file: seq0.logits; of encoders .hidden, and .logits, .scores where there is a head")
      ->required()
      ->type_name("FILE");
  app.footer("Example:\n  espalier logits runs/first/model --tokens tokens.json --out logits.safetensors");
  app.callback([arguments, &global] { run_logits(*arguments, global); });
}

}  // namespace espalier
