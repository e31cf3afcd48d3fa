#include "pipeline/verbs/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "pipeline/make_verb.h"
#include "prune/similarity.h"
#include "report/observations_page.h"
#include "report/quantities.h"
#include "report/report.h"
#include "report/results_table.h"
#include "report/similarity_maps.h"
#include "report/study_figures.h"

namespace espalier::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr const char* kObservationsFile = "observations.safetensors";
constexpr const char* kPlanFile = "plan.json";

/// The observations that an argument stands for: itself, or a file in the folder of one run.
std::optional<fs::path> observations_of(const fs::path& argument) {
  if (fs::is_regular_file(argument)) return argument;
  const fs::path inside = argument / kObservationsFile;
  return fs::exists(inside) ? std::optional(inside) : std::nullopt;
}

std::optional<Plan> plan_for(const ReportOptions& options, const fs::path& observations) {
  if (options.plan) return read_plan(*options.plan);
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
Page page_of(const ReportOptions& options) {
  const auto file = options.runs.size() == 1 ? observations_of(options.runs[0]) : std::nullopt;
  if (options.plan && !file) {
    throw UserError("--plan: there are no observations to look at it with",
                    "name one observations.safetensors, or the folder of one run that holds it");
  }
  Page page;
  const bool only_observations = file && !fs::exists(options.runs[0] / "manifest.json");
  for (const fs::path& folder : options.runs) {
    if (!only_observations) page.runs.push_back(read_run_folder(folder));
  }
  if (!file) {
    page.html = render_report(page.runs);
    return page;
  }
  const Observations observations = read_observations(*file);
  const std::optional<Plan> plan = plan_for(options, *file);
  const Plan* shown = plan ? &*plan : nullptr;
  const std::string alike = similarity_section(similarity_maps(observations));
  page.html = only_observations
                  ? render_observations(observations, shown, options.runs[0].filename().string(), alike)
                  : render_report(page.runs, observations_sections(observations, shown, alike));
  return page;
}

/// RUN-ID.svg, or ID.svg where there is one run.
void write_svg_files(const ReportOptions& options, const Page& page) {
  std::size_t written = 0;
  for (const RunFolder& run : page.runs) {
    for (const Figure& figure : run.figures) {
      const std::string name = (page.runs.size() == 1 ? "" : run.name + "-") + figure.id + ".svg";
      fs::create_directories(*options.figures);
      write_file(*options.figures / name, standalone_svg(figure));
      ++written;
    }
  }
  if (written == 0)
    throw UserError(fmt::format("--figures: {} has no figures.json", options.runs.front().string()),
                    "studies have figures: a sweep of methods, say");
}

}  // namespace

void describe(options::OptionTable& table, ReportOptions& options) {
  table
      .positional("runs", options.runs, "RUN",
                  "run folders; several are drawn side by side. Or one observations.safetensors")
      .require();
  table.add("plan", options.plan, "PLAN", "of observations: shows what its dropped experts did");
  table.add("out", options.out, "FILE", "the page, one HTML file that opens offline").require();
  table.add("figures", options.figures, "DIR", "also each figure of a study, as an SVG file in this folder")
      .writes();
}

ReportSummary report(const ReportOptions& options, const RunContext& /*context*/) {
  const Page page = page_of(options);
  if (options.figures) write_svg_files(options, page);
  write_file(options.out, page.html);
  const bool evaluated = std::any_of(page.runs.begin(), page.runs.end(),
                                     [](const RunFolder& run) { return run.eval.has_value(); });
  return {options.out, options.runs, page.html.size(), page.runs.empty(),
          evaluated ? results_text(results_table(page.runs)) : ""};
}

nlohmann::ordered_json to_json(const ReportSummary& summary) {
  nlohmann::ordered_json runs = nlohmann::ordered_json::array();
  for (const fs::path& run : summary.runs) runs.push_back(run.string());
  return {{"format", "espalier.report/1"},
          {"report", summary.report.string()},
          {"runs", runs},
          {"bytes", summary.bytes}};
}

std::string to_text(const ReportSummary& summary) {
  const auto bytes = grouped_text(summary.bytes);
  if (summary.only_observations)
    return fmt::format("{}: observations, {} bytes\n", summary.report.string(), bytes);
  const std::string text = fmt::format("{}: {} run{}, {} bytes\n", summary.report.string(),
                                       summary.runs.size(), summary.runs.size() == 1 ? "" : "s", bytes);
  return summary.results.empty() ? text : text + "\n" + summary.results;
}

Verb report_verb() {
  return make_verb({"report", "draw one or several runs as one HTML page",
                    "Examples:\n  espalier report runs/dense runs/moe --out report.html\n"
                    "  espalier report observations.safetensors --plan plan.json --out report.html",
                    270},
                   report);
}

}  // namespace espalier::pipeline
