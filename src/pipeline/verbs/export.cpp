#include "pipeline/verbs/export.h"

#include <fmt/format.h>

#include "arch/described_model.h"
#include "pipeline/make_verb.h"
#include "report/quantities.h"
#include "surgery/export_bert.h"
#include "surgery/export_mistral.h"
#include "surgery/output_folder.h"
#include "text/model_tokenizer.h"

namespace espalier::pipeline {
namespace {

/// Writes with `write` into the folder that becomes `options.out`, unless it is there already.
template <typename Write>
void write_once(const ExportOptions& options, const Checkpoint& model, const char* format, Dtype dtype,
                const RunContext& context, Write write) {
  const std::string recipe = fmt::format("espalier.export/1 {} {} {}", ESPALIER_VERSION, format, name(dtype));
  StagedFolder folder = stage_model(options.out, options.if_exists, model, recipe, context.note);
  if (folder.is_done()) {
    if (context.note) context.note(fmt::format("{}: is complete, of the same command", options.out.string()));
    return;
  }
  write(folder.path());
  commit_model(folder);
}

ExportSummary to_bert(const Checkpoint& model, const ExportOptions& options, const RunContext& context) {
  const BertExport made = describe_bert(model);
  const Dtype dtype = options.dtype.value_or(Dtype::kF32);
  write_once(options, model, "bert", dtype, context, [&](const std::filesystem::path& folder) {
    export_bert(model, folder, dtype);
    copy_tokenizer(options.model, folder);
  });
  return {options.out, made.architecture, made.parameters, dtype};
}

ExportSummary to_mistral(const Checkpoint& model, const ExportOptions& options, const RunContext& context) {
  const MistralExport made = describe_mistral(model, options.dtype);
  write_once(options, model, "mistral", made.dtype, context,
             [&](const std::filesystem::path& folder) { export_mistral(model, folder, options.dtype); });
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

ExportSummary export_model(const ExportOptions& options, const RunContext& context) {
  const Checkpoint model = Checkpoint::open(options.model);
  arch::describe(model);  // what is broken is refused as every verb does, before what cannot be exported
  return options.format == ExportFormat::kMistral ? to_mistral(model, options, context)
                                                  : to_bert(model, options, context);
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
