#include "pipeline/verbs/export.h"

#include <fmt/format.h>

#include "arch/described_model.h"
#include "pipeline/make_verb.h"
#include "report/quantities.h"
#include "surgery/export_bert.h"
#include "surgery/export_mistral.h"
#include "text/model_tokenizer.h"

namespace espalier::pipeline {
namespace {

ExportSummary to_bert(const Checkpoint& model, const ExportOptions& options) {
  check_exports_as_bert(model);
  create_output_folder(options.out, options.if_exists);
  const Dtype dtype = options.dtype.value_or(Dtype::kF32);
  const auto made = export_bert(model, options.out, dtype);
  copy_tokenizer(options.model, options.out);
  return {options.out, made.architecture, made.parameters, dtype};
}

ExportSummary to_mistral(const Checkpoint& model, const ExportOptions& options) {
  check_exports_as_mistral(model);
  create_output_folder(options.out, options.if_exists);
  const auto made = export_mistral(model, options.out, options.dtype);
  return {options.out, "MistralForCausalLM", made.parameters, made.dtype};
}

}  // namespace

void describe(options::OptionTable& table, ExportOptions& options) {
  table.positional("model", options.model, "MODEL", "folder of a model with one expert per layer").require();
  table.choice("to", options.format, "FORMAT",
               {{"bert", ExportFormat::kBert}, {"mistral", ExportFormat::kMistral}},
               "bert: an ordinary BERT; mistral: a dense Mistral, of a mixtral; in Hugging Face's layout");
  table.add("out", options.out, "DIR", "folder to write").require();
  table.choice("dtype", options.dtype, "DTYPE", {{"F32", Dtype::kF32}, {"BF16", Dtype::kBF16}},
               "default: F32 for bert, what the weights are in for mistral");
  table.flag("overwrite", options.if_exists, IfExists::kOverwrite, "the folder may hold an older model");
}

ExportSummary export_model(const ExportOptions& options, const RunContext& /*context*/) {
  const Checkpoint model = Checkpoint::open(options.model);
  arch::describe(model);  // what is broken is refused as every verb does, before what cannot be exported
  return options.format == ExportFormat::kMistral ? to_mistral(model, options) : to_bert(model, options);
}

nlohmann::ordered_json to_json(const ExportSummary& summary) {
  return {{"format", "espalier.export/1"},
          {"out", summary.out.string()},
          {"architecture", summary.architecture},
          {"parameters", summary.parameters}};
}

std::string to_text(const ExportSummary& summary) {
  return fmt::format("{}: {}, {} parameters, {}\n", summary.out.string(), summary.architecture,
                     grouped_text(summary.parameters), name(summary.dtype));
}

Verb export_verb() {
  return make_verb({"export", "write a dense model that other programs load",
                    "Example:\n  espalier export runs/wordnet/model --to bert --out wordnet-bert", 180},
                   export_model);
}

}  // namespace espalier::pipeline
