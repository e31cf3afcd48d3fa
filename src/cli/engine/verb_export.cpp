#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "surgery/export_bert.h"
#include "surgery/export_mistral.h"
#include "text/model_tokenizer.h"

namespace espalier {
namespace {

struct ExportArguments {
  std::string model, format = "bert", out;
  std::optional<std::string> dtype;
  bool overwrite = false;
};

struct Exported {
  std::string architecture;
  std::uint64_t parameters = 0;
  std::string dtype;
};

void open_folder(const ExportArguments& arguments) {
  create_output_folder(arguments.out, arguments.overwrite ? IfExists::kOverwrite : IfExists::kFail);
}

Exported to_bert(const ExportArguments& arguments) {
  const auto model = Checkpoint::open(arguments.model);
  check_exports_as_bert(model);
  open_folder(arguments);
  const auto dtype = arguments.dtype.value_or("F32");
  const auto made = export_bert(model, arguments.out, parse_dtype(dtype));
  copy_tokenizer(arguments.model, arguments.out);
  return {made.architecture, made.parameters, dtype};
}

Exported to_mistral(const ExportArguments& arguments) {
  const auto model = Checkpoint::open(arguments.model);
  check_exports_as_mistral(model);
  open_folder(arguments);
  std::optional<Dtype> dtype;
  if (arguments.dtype) dtype = parse_dtype(*arguments.dtype);
  const auto made = export_mistral(model, arguments.out, dtype);
  return {"MistralForCausalLM", made.parameters, std::string(name(made.dtype))};
}

void run_export(const ExportArguments& arguments, const GlobalOptions& global) {
  const auto made = arguments.format == "mistral" ? to_mistral(arguments) : to_bert(arguments);
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.export/1"},
                                         {"out", arguments.out},
                                         {"architecture", made.architecture},
                                         {"parameters", made.parameters}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}: {}, {} parameters, {}\n", arguments.out, made.architecture,
                           grouped_text(made.parameters), made.dtype);
}

}  // namespace

void add_export(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<ExportArguments>();
  auto& a = *arguments;
  app.add_option("model", a.model, "folder of a model with one expert per layer")
      ->required()
      ->type_name("MODEL");
  app.add_option("--to", a.format,
                 "bert: an ordinary BERT; mistral: a dense Mistral, of a mixtral; in Hugging Face's layout")
      ->capture_default_str()
      ->check(CLI::IsMember({"bert", "mistral"}).description(""))
      ->type_name("FORMAT");
  app.add_option("--out", a.out, "folder to write")->required()->type_name("DIR");
  app.add_option("--dtype", a.dtype,
                 "F32 or BF16; default: F32 for bert, what the weights are in for mistral")
      ->check(CLI::IsMember({"F32", "BF16"}));
  app.add_flag("--overwrite", a.overwrite, "the folder may hold an older model");
  app.footer("Example:\n  espalier export runs/wordnet/model --to bert --out wordnet-bert");
  app.callback([arguments, &global] { run_export(*arguments, global); });
}

}  // namespace espalier
