#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "model/bert_checkpoint.h"
#include "model/bert_export.h"
#include "text/model_tokenizer.h"

namespace espalier {
namespace {

struct Arguments {
  std::string model, format = "bert", out, dtype = "F32";
  bool overwrite = false;
};

void run_export(const Arguments& arguments, const GlobalOptions& global) {
  const auto model = load_bert(Checkpoint::open(arguments.model));
  check_exports_as_bert(model, arguments.model);
  create_output_folder(arguments.out, arguments.overwrite ? IfExists::kOverwrite : IfExists::kFail);
  const auto architecture = export_bert(model, arguments.out, parse_dtype(arguments.dtype));
  copy_tokenizer(arguments.model, arguments.out);
  const auto parameters = static_cast<std::uint64_t>(parameter_count(model));
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.export/1"},
                                         {"out", arguments.out},
                                         {"architecture", architecture},
                                         {"parameters", parameters}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}: {}, {} parameters, {}\n", arguments.out, architecture,
                           grouped_text(parameters), arguments.dtype);
}

}  // namespace

void add_export(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  app.add_option("model", a.model, "folder of a model with one expert per layer")
      ->required()
      ->type_name("MODEL");
  app.add_option("--to", a.format, "bert: an ordinary BERT in Hugging Face's layout")
      ->capture_default_str()
      ->check(CLI::IsMember({"bert"}).description(""))
      ->type_name("FORMAT");
  app.add_option("--out", a.out, "folder to write")->required()->type_name("DIR");
  app.add_option("--dtype", a.dtype, "F32 or BF16")
      ->capture_default_str()
      ->check(CLI::IsMember({"F32", "BF16"}));
  app.add_flag("--overwrite", a.overwrite, "the folder may hold an older model");
  app.footer("Example:\n  espalier export runs/wordnet/model --to bert --out wordnet-bert");
  app.callback([arguments, &global] { run_export(*arguments, global); });
}

}  // namespace espalier
