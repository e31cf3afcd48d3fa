#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/engine.h"
#include "cli/verbs.h"

namespace espalier {
namespace {

void run_version(const GlobalOptions& global) {
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.version/1"},
                                         {"version", ESPALIER_VERSION},
                                         {"compiler", __VERSION__},
                                         {"tensor_libraries", engine_libraries()}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("espalier {}\ncompiler: {}\ntensor libraries: {}\n", ESPALIER_VERSION, __VERSION__,
                           engine_libraries());
}

}  // namespace

void add_version(CLI::App& app, const GlobalOptions& global) {
  app.footer("Example:\n  espalier version --json");
  app.callback([&global] { run_version(global); });
}

}  // namespace espalier
