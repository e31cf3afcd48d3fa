#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "prune/similarity.h"
#include "report/observations_page.h"
#include "report/report.h"
#include "report/results_table.h"
#include "report/similarity_maps.h"
#include "report/study_figures.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr const char* kObservationsFile = "observations.safetensors";
constexpr const char* kPlanFile = "plan.json";

struct ReportArguments {
  std::vector<std::string> runs;
  std::optional<std::string> plan;
  std::string out;
  std::optional<std::string> figures;  ///< folder
};

/// The observations that an argument stands for: itself, or a file in the folder of one run.
std::optional<fs::path> observations_of(const std::string& argument) {
  if (fs::is_regular_file(argument)) return argument;
  const fs::path inside = fs::path(argument) / kObservationsFile;
  return fs::exists(inside) ? std::optional(inside) : std::nullopt;
}

std::optional<Plan> plan_for(const ReportArguments& arguments, const fs::path& observations) {
  if (arguments.plan) return read_plan(*arguments.plan);
  const fs::path beside = observations.parent_path() / kPlanFile;
  return fs::exists(beside) ? std::optional(read_plan(beside)) : std::nullopt;
}

/// Every way to compare experts that the observations allow.
std::vector<SimilarityMap> similarity_maps(const Observations& observations) {
  std::vector<SimilarityMap> maps;
  for (const LayerObservations& layer : observations.layers) {
    for (const Similarity& similarity : similarities()) {
      if (similarity.available(layer))
        maps.push_back({similarity.name, similarity.definition, layer.layer, layer.experts(),
                        similarity_of(similarity, layer)});
    }
  }
  return maps;
}

struct Page {
  std::vector<RunFolder> runs;  ///< empty for a page about observations alone
  std::string html;
};

/// Runs side by side; one file of observations; or one run with its observations below.
Page page_of(const ReportArguments& arguments) {
  const auto file = arguments.runs.size() == 1 ? observations_of(arguments.runs[0]) : std::nullopt;
  if (arguments.plan && !file) {
    throw UserError("--plan: there are no observations to look at it with",
                    "name one observations.safetensors, or the folder of one run that holds it");
  }
  Page page;
  const bool only_observations = file && !fs::exists(fs::path(arguments.runs[0]) / "manifest.json");
  for (const std::string& folder : arguments.runs) {
    if (!only_observations) page.runs.push_back(read_run_folder(folder));
  }
  if (!file) {
    page.html = render_report(page.runs);
    return page;
  }
  const Observations observations = read_observations(*file);
  const std::optional<Plan> plan = plan_for(arguments, *file);
  const Plan* shown = plan ? &*plan : nullptr;
  const std::string alike = similarity_section(similarity_maps(observations));
  page.html = only_observations ? render_observations(observations, shown,
                                                      fs::path(arguments.runs[0]).filename().string(), alike)
                                : render_report(page.runs, observations_sections(observations, shown, alike));
  return page;
}

/// RUN-ID.svg, or ID.svg where there is one run.
void write_svg_files(const ReportArguments& arguments, const Page& page) {
  std::size_t written = 0;
  for (const RunFolder& run : page.runs) {
    for (const Figure& figure : run.figures) {
      const std::string name = (page.runs.size() == 1 ? "" : run.name + "-") + figure.id + ".svg";
      fs::create_directories(*arguments.figures);
      write_file(fs::path(*arguments.figures) / name, standalone_svg(figure));
      ++written;
    }
  }
  if (written == 0)
    throw UserError(fmt::format("--figures: {} has no figures.json", arguments.runs.front()),
                    "studies have figures: a sweep of methods, say");
}

void print_summary(const ReportArguments& arguments, const Page& page) {
  const auto bytes = grouped_text(page.html.size());
  if (page.runs.empty()) {
    std::cout << fmt::format("{}: observations, {} bytes\n", arguments.out, bytes);
    return;
  }
  std::cout << fmt::format("{}: {} run{}, {} bytes\n", arguments.out, page.runs.size(),
                           page.runs.size() == 1 ? "" : "s", bytes);
  const bool evaluated = std::any_of(page.runs.begin(), page.runs.end(),
                                     [](const RunFolder& run) { return run.eval.has_value(); });
  if (evaluated) std::cout << '\n' << results_text(results_table(page.runs));
}

void run_report(const ReportArguments& arguments, const GlobalOptions& global) {
  const Page page = page_of(arguments);
  if (arguments.figures) write_svg_files(arguments, page);
  write_file(arguments.out, page.html);
  if (!global.json) return print_summary(arguments, page);
  const nlohmann::ordered_json json = {{"format", "espalier.report/1"},
                                       {"report", arguments.out},
                                       {"runs", arguments.runs},
                                       {"bytes", page.html.size()}};
  std::cout << json.dump(2) << '\n';
}

}  // namespace

void add_report(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<ReportArguments>();
  app.add_option("runs", arguments->runs,
                 "run folders; several are drawn side by side. Or one observations.safetensors")
      ->required()
      ->type_name("RUN");
  app.add_option("--plan", arguments->plan, "of observations: shows what its dropped experts did")
      ->type_name("PLAN");
  app.add_option("--out", arguments->out, "the page, one HTML file that opens offline")
      ->required()
      ->type_name("FILE");
  app.add_option("--figures", arguments->figures,
                 "also each figure of a study, as an SVG file in this folder")
      ->type_name("DIR");
  app.footer(
      "Examples:\n  espalier report runs/dense runs/moe --out report.html\n"
      "  espalier report observations.safetensors --plan plan.json --out report.html");
  app.callback([arguments, &global] { run_report(*arguments, global); });
}

}  // namespace espalier
