#include <iostream>
#include <memory>

#include "arch/inspect.h"
#include "base/json.h"
#include "cli/verbs.h"

namespace espalier {

void add_inspect(CLI::App& app, const GlobalOptions& global) {
  auto model = std::make_shared<std::string>();
  app.add_option("model", *model, "checkpoint folder: config.json and safetensors")
      ->required()
      ->type_name("MODEL");
  app.footer("Example:\n  espalier inspect runs/first/model");
  app.callback([model, &global] {
    const Inspection inspection = inspect(Checkpoint::open(*model));
    std::cout << (global.json ? dump_json(to_json(inspection)) : to_text(inspection));
  });
}

}  // namespace espalier
