#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "report/report.h"
#include "report/results_table.h"

namespace espalier {
namespace {

struct Arguments {
  std::vector<std::string> runs;
  std::string out;
};

void run_report(const Arguments& arguments, const GlobalOptions& global) {
  std::vector<RunFolder> runs;
  for (const std::string& folder : arguments.runs) runs.push_back(read_run_folder(folder));
  const std::string page = render_report(runs);
  write_file(arguments.out, page);
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.report/1"},
                                         {"report", arguments.out},
                                         {"runs", arguments.runs},
                                         {"bytes", page.size()}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}: {} run{}, {} bytes\n", arguments.out, runs.size(),
                           runs.size() == 1 ? "" : "s", grouped_text(page.size()));
  const bool evaluated =
      std::any_of(runs.begin(), runs.end(), [](const RunFolder& run) { return run.eval.has_value(); });
  if (evaluated) std::cout << '\n' << results_text(results_table(runs));
}

}  // namespace

void add_report(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("runs", arguments->runs, "run folders; several are drawn side by side")
      ->required()
      ->type_name("RUN");
  app.add_option("--out", arguments->out, "the page, one HTML file that opens offline")
      ->required()
      ->type_name("FILE");
  app.footer("Example:\n  espalier report runs/dense runs/moe --out report.html");
  app.callback([arguments, &global] { run_report(*arguments, global); });
}

}  // namespace espalier
