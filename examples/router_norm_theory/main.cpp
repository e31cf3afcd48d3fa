// Trains and prunes the two-layer model of arXiv 2405.16646, section 4, and writes numbers and charts.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "artifacts/figures.h"
#include "artifacts/run_manifest.h"
#include "base/files.h"
#include "base/machine.h"
#include "base/stopwatch.h"
#include "example_main.h"
#include "report/report.h"
#include "router_norm_theory/router_norm_study.h"

namespace espalier::examples {
namespace {

namespace fs = std::filesystem;

struct TheoryArguments {
  std::vector<std::string> command;  ///< as typed
  StudyOptions options;
  std::string out;
  bool overwrite = false, json = false;
};

nlohmann::json options_json(const StudyOptions& o) {
  const TheorySetting& s = o.setting;
  return {{"patterns", s.patterns},
          {"tokens", s.tokens},
          {"experts", s.experts},
          {"chosen", s.chosen},
          {"neurons", s.neurons},
          {"relevant_share", s.relevant_share},
          {"lean", s.lean},
          {"batch", s.batch},
          {"steps", s.steps},
          {"learning_rate_experts", s.learning_rate_experts},
          {"learning_rate_routers", s.learning_rate_routers},
          {"widths", o.widths},
          {"drops", o.drops},
          {"fine_tune_steps", o.fine_tune_steps},
          {"test_samples", o.test_samples},
          {"seeds", o.seeds}};
}

RunManifest manifest_of(const TheoryArguments& arguments, double seconds) {
  RunManifest manifest;
  manifest.verb = "theory";
  manifest.command = arguments.command;
  manifest.status = RunStatus::kFinished;
  manifest.started_at = utc_now();
  manifest.options = options_json(arguments.options);
  manifest.versions = {{"espalier", ESPALIER_VERSION}};
  manifest.seed = arguments.options.seed;
  manifest.machine = {cpu_name(), 1, memory_bytes()};
  manifest.timings_seconds["study"] = seconds;
  manifest.peak_rss_bytes = peak_resident_bytes();
  return manifest;
}

nlohmann::ordered_json result_json(const StudyResult& result) {
  const auto widths = summarise(result);
  nlohmann::ordered_json json{{"format", "espalier.theory/1"},
                              {"irrelevant_exponent", irrelevant_exponent(widths)}};
  for (const WidthSummary& width : widths)
    json["widths"].push_back({{"d", width.width},
                              {"relevant", width.relevant.mean},
                              {"least_relevant", width.least_relevant},
                              {"irrelevant", width.irrelevant.mean},
                              {"largest_irrelevant", width.largest_irrelevant}});
  for (const PrunedAccuracy& pruned : mean_over_seeds(result.pruned))
    json["pruned"].push_back({{"order", pruned.order},
                              {"dropped", pruned.dropped},
                              {"accuracy", pruned.before},
                              {"fine_tuned", pruned.after}});
  return json;
}

void print_text(const TheoryArguments& arguments, const StudyResult& result, double seconds) {
  std::cout << fmt::format("{:>6} {:>22} {:>22}\n", "d", "lean to o1 or o2", "lean to nothing");
  const auto widths = summarise(result);
  for (const WidthSummary& width : widths)
    std::cout << fmt::format("{:>6} {:>9.4f} (least {:.4f}) {:>9.5f} (most {:.5f})\n", width.width,
                             width.relevant.mean, width.least_relevant, width.irrelevant.mean,
                             width.largest_irrelevant);
  std::cout << fmt::format("mean |change of the norm|; that of the others falls like d^{:.2f}\n\n",
                           irrelevant_exponent(widths));
  std::cout << fmt::format("{:>22} {:>8} {:>10} {:>12}\n", "dropped first", "dropped", "accuracy",
                           "fine-tuned");
  for (const PrunedAccuracy& pruned : mean_over_seeds(result.pruned))
    std::cout << fmt::format("{:>22} {:>3} of {:>2} {:>9.2f}% {:>11.2f}%\n", pruned.order, pruned.dropped,
                             arguments.options.setting.experts, 100 * pruned.before, 100 * pruned.after);
  std::cout << fmt::format("\n{} in {:.0f} s\n", (fs::path(arguments.out) / "report.html").string(), seconds);
}

void add_setting_options(CLI::App& app, StudyOptions& o) {
  TheorySetting& s = o.setting;
  const auto positive = CLI::Range(std::size_t{1}, std::size_t{1} << 20).description("");
  app.add_option("--patterns", s.patterns, "d of the pruning curve")->capture_default_str()->check(positive);
  app.add_option("--widths", o.widths, "d over which norm changes are followed")
      ->delimiter(',')
      ->type_name("D,..");
  app.add_option("--tokens", s.tokens, "n of a sample; one of them tells the class")
      ->capture_default_str()
      ->check(positive);
  app.add_option("--experts", s.experts, "k")->capture_default_str()->check(positive);
  app.add_option("--chosen", s.chosen, "l: tokens that an expert takes of a sample")
      ->capture_default_str()
      ->check(positive);
  app.add_option("--neurons", s.neurons, "m of an expert")->capture_default_str()->check(positive);
  app.add_option("--relevant", s.relevant_share, "share of the experts that lean to o1 or o2 from the start")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--drops", o.drops, "experts to prune")->delimiter(',')->type_name("N,..");
}

void add_training_options(CLI::App& app, StudyOptions& o) {
  TheorySetting& s = o.setting;
  const auto positive = CLI::Range(std::size_t{1}, std::size_t{1} << 20).description("");
  app.add_option("--batch", s.batch, "samples per step, always fresh ones")
      ->capture_default_str()
      ->check(positive);
  app.add_option("--steps", s.steps, "of SGD")->capture_default_str()->check(positive);
  app.add_option("--fine-tune-steps", o.fine_tune_steps, "after pruning")
      ->capture_default_str()
      ->check(positive);
  app.add_option("--expert-rate", s.learning_rate_experts, "learning rate of the neurons")
      ->capture_default_str();
  app.add_option("--router-rate", s.learning_rate_routers, "learning rate of the routers")
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of everything random")->capture_default_str();
  app.add_option("--seeds", o.seeds, "from --seed on")->capture_default_str()->check(positive);
}

/// One line, written over as the study goes on; only on a terminal.
ProgressSink progress_line() {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [](const Progress& p) {
    fmt::print(stderr, "\r{}: {} of {}{}", p.what, p.done, p.total, p.done == p.total ? "\n" : "");
  };
}

void run_theory(const TheoryArguments& arguments) {
  create_output_folder(arguments.out, arguments.overwrite ? IfExists::kOverwrite : IfExists::kFail);
  const Stopwatch watch;
  const StudyResult result = run_study(arguments.options, progress_line());
  const double seconds = watch.seconds();
  const fs::path out = arguments.out;
  write_figures(out / "figures.json", study_figures(arguments.options, result));
  write_file(out / "theory.json", result_json(result).dump(2) + "\n");
  write_manifest(out / "manifest.json", manifest_of(arguments, seconds));
  write_file(out / "report.html", render_report({read_run_folder(out)}));
  if (arguments.json)
    std::cout << result_json(result).dump(2) << '\n';
  else
    print_text(arguments, result, seconds);
}

}  // namespace
}  // namespace espalier::examples

int main(int argc, char** argv) {
  using namespace espalier::examples;
  TheoryArguments arguments;
  arguments.command.assign(argv, argv + argc);
  CLI::App app("Shows in numbers why experts whose router norm did not grow can go.", "router_norm_theory");
  app.add_option("--out", arguments.out, "run folder; report.html in it has the charts")
      ->required()
      ->type_name("DIR");
  app.add_flag("--overwrite", arguments.overwrite, "DIR may hold an older run");
  app.add_flag("--json", arguments.json, "the results as JSON");
  add_setting_options(app, arguments.options);
  add_training_options(app, arguments.options);
  app.callback([&] { run_theory(arguments); });
  return run_example(app, argc, argv);
}
