#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "arch/vmoe_import.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace espalier {
namespace {

struct ImportArguments {
  std::string prefix, out, dtype = "F32";
  VmoeImportOptions options;
  bool overwrite = false;
};

/// "ckpt_5000.index" and "ckpt_5000.data-00000-of-00008" stand for "ckpt_5000".
std::string prefix_of(const std::string& name) {
  if (name.ends_with(".index")) return name.substr(0, name.size() - 6);
  const auto at = name.rfind(".data-");
  return at == std::string::npos ? name : name.substr(0, at);
}

void run_import(const ImportArguments& arguments, const GlobalOptions& global) {
  const std::string source = prefix_of(arguments.prefix);
  const std::string under = parameters_prefix(source);
  const auto imported =
      import_vmoe(read_partitioned_checkpoint(source, under), under, arguments.options, source);
  create_output_folder(arguments.out, arguments.overwrite ? IfExists::kOverwrite : IfExists::kFail);
  write_imported(imported, arguments.out, parse_dtype(arguments.dtype));
  const Terminal terminal(global);
  for (const std::string& name : imported.left_out)
    terminal.notes()(fmt::format("{}: left out, no part of the model", name));
  terminal.notes()("the authors' experts use the tanh approximation of GELU, these the exact one");
  const VmoeConfig& config = imported.config;
  if (global.json) {
    std::cout << nlohmann::ordered_json{{"format", "espalier.import/1"},
                                        {"model", arguments.out},
                                        {"config", to_json(config)},
                                        {"left_out", imported.left_out}}
                     .dump(2)
              << '\n';
    return;
  }
  std::cout << fmt::format("{}: {} blocks of width {}, {} with experts, images of {} x {} in patches of {}\n",
                           arguments.out, config.num_hidden_layers, config.hidden_size, config.moe.size(),
                           config.image_size, config.image_size, config.patch_size);
}

}  // namespace

void add_import(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<ImportArguments>();
  auto& a = *arguments;
  app.add_option("prefix", a.prefix,
                 "PREFIX of PREFIX.index and PREFIX.data-00000-of-0000N, as V-MoE's authors write them")
      ->required()
      ->type_name("PREFIX");
  app.add_option("--out", a.out, "folder of the model")->required()->type_name("DIR");
  app.add_option("--experts-per-token", a.options.experts_per_token, "K: 2 of V-MoE, 1 of E3")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--capacity-factor", a.options.capacity_factor, "of expert capacity")
      ->default_str("1.5")
      ->check(CLI::PositiveNumber);
  app.add_option("--ensemble-size", a.options.ensemble_size, "members: 2 of E3")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--dtype", a.dtype, "F32 or BF16")
      ->capture_default_str()
      ->check(CLI::IsMember({"F32", "BF16"}));
  app.add_flag("--overwrite", a.overwrite, "DIR may hold an older model");
  app.footer("Example:\n  espalier import vmoe_b16_imagenet21k/ckpt --out models/vmoe-b16");
  app.callback([arguments, &global] { run_import(*arguments, global); });
}

}  // namespace espalier
