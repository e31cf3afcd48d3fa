#include "pipeline/verbs/export.h"

#include <fmt/format.h>

#include "arch/described_model.h"
#include "base/error.h"
#include "base/files.h"
#include "pipeline/make_verb.h"
#include "report/quantities.h"
#include "surgery/export_bert.h"
#include "surgery/export_mistral.h"
#include "surgery/export_onnx.h"
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

/// A graph is of use without one.
bool has_tokenizer(const std::filesystem::path& model) {
  return std::filesystem::exists(model / "tokenizer.json") || std::filesystem::exists(model / "vocab.txt");
}

ExportSummary to_onnx(const Checkpoint& model, const ExportOptions& options, const RunContext& context) {
  const OnnxExport made = describe_onnx(model);
  if (options.dtype && *options.dtype != Dtype::kF32)
    throw UserError(fmt::format("--dtype {}: an exported graph computes in F32", name(*options.dtype)),
                    "leave out --dtype");
  write_once(options, model, "onnx", Dtype::kF32, context, [&](const std::filesystem::path& folder) {
    export_onnx(model, folder / "model.onnx");
    write_file(folder / "config.json", model.config().dump(2) + "\n");
    if (has_tokenizer(options.model)) copy_tokenizer(options.model, folder);
  });
  return {options.out, "ONNX graph with the output " + made.output, made.parameters, Dtype::kF32};
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
  table.choice(
      "to", options.format, "FORMAT",
      {{"bert", ExportFormat::kBert}, {"mistral", ExportFormat::kMistral}, {"onnx", ExportFormat::kOnnx}},
      "bert: an ordinary BERT; mistral: a dense Mistral, of a mixtral; in Hugging Face's layout. onnx: "
      "model.onnx of an encoder with its head");
  table.add("out", options.out, "DIR", "folder to write").require();
  table.choice("dtype", options.dtype, "DTYPE", {{"F32", Dtype::kF32}, {"BF16", Dtype::kBF16}},
               "default: F32 for bert and onnx, what the weights are in for mistral");
  table.flag("overwrite", options.if_exists, IfExists::kOverwrite, "the folder may hold an older model");
}

ExportSummary export_model(const ExportOptions& options, const RunContext& context) {
  const Checkpoint model = Checkpoint::open(options.model);
  arch::describe(model);  // what is broken is refused as every verb does, before what cannot be exported
  switch (options.format) {
    case ExportFormat::kMistral:
      return to_mistral(model, options, context);
    case ExportFormat::kOnnx:
      return to_onnx(model, options, context);
    default:
      return to_bert(model, options, context);
  }
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
