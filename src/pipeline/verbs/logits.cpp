#include "pipeline/verbs/logits.h"

#include <fmt/format.h>

#include "arch/described_model.h"
#include "base/error.h"
#include "eval/sequence_outputs.h"
#include "pipeline/language_model.h"
#include "pipeline/make_verb.h"
#include "report/quantities.h"

namespace espalier::pipeline {
namespace {

/// What was run, and how many tensors were written.
struct Written {
  TokenSequences sequences;
  std::int64_t tensors = 0;
};

Written run_encoder(const LogitsOptions& options, Checkpoint checkpoint) {
  const infer::EncoderModel model = infer::load_encoder(std::move(checkpoint));
  Written written;
  written.sequences =
      read_token_sequences(options.tokens.string(), model.vocabulary(), model.spec.positions());
  written.tensors = write_sequence_outputs(model, written.sequences, options.out);
  return written;
}

Written run_decoder(const LogitsOptions& options, const RunContext& context) {
  const infer::DecoderModel model = open_decoder(options.model, context);
  Written written;
  written.sequences =
      read_token_sequences(options.tokens.string(), model.vocabulary(), model.spec.positions());
  written.tensors = write_sequence_outputs(model, written.sequences, options.out);
  return written;
}

}  // namespace

void describe(options::OptionTable& table, LogitsOptions& options) {
  table.positional("model", options.model, "MODEL", "checkpoint folder of an encoder or a decoder").require();
  table.add("tokens", options.tokens, "FILE", "{\"sequences\": [[..], ..]}, as `tokenize` writes it")
      .require();
  table
      .add("out", options.out, "FILE",
           "safetensors file: seq0.logits; of encoders .hidden, and .logits, .scores where there is a head")
      .require();
}

LogitsSummary logits(const LogitsOptions& options, const RunContext& context) {
  Checkpoint checkpoint = Checkpoint::open(options.model);
  const bool decodes = arch::kind_of(arch::read_spec(checkpoint)) == arch::ModelKind::kDecoder;
  const auto [sequences, tensors] =
      decodes ? run_decoder(options, context) : run_encoder(options, std::move(checkpoint));
  LogitsSummary summary{options.out, sequences.size(), 0, tensors};
  for (const auto& sequence : sequences) summary.tokens += sequence.size();
  return summary;
}

nlohmann::ordered_json to_json(const LogitsSummary& summary) {
  return {{"format", "espalier.logits/1"},
          {"out", summary.out.string()},
          {"sequences", summary.sequences},
          {"tokens", summary.tokens},
          {"tensors", summary.tensors}};
}

std::string to_text(const LogitsSummary& summary) {
  return fmt::format("{}: {} tensors of {} sequence{}, {} tokens\n", summary.out.string(),
                     grouped_text(static_cast<std::uint64_t>(summary.tensors)),
                     grouped_text(summary.sequences), summary.sequences == 1 ? "" : "s",
                     grouped_text(summary.tokens));
}

Verb logits_verb() {
  return make_verb(
      {"logits", "run the forward pass on given tokens and write its outputs",
       "Example:\n  espalier logits runs/first/model --tokens tokens.json --out logits.safetensors", 160},
      logits);
}

}  // namespace espalier::pipeline
