#include "pipeline/verbs/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "artifacts/run_manifest.h"
#include "base/error.h"
#include "base/files.h"
#include "base/folder_lock.h"
#include "base/interrupt.h"
#include "base/machine.h"
#include "pipeline/make_verb.h"
#include "pipeline/sweeps.h"
#include "report/study_figures.h"
#include "sweep/method_grid.h"
#include "sweep/setting_figures.h"

namespace espalier::pipeline {
namespace {

void wait_for_lock(FolderLock& lock, const std::filesystem::path& folder, const RunContext& context) {
  if (lock.try_lock()) return;
  if (context.note)
    context.note(fmt::format("waiting for another sweep in {}, or a run it left, to end", folder.string()));
  while (!lock.try_lock()) {
    if (interrupt_requested()) throw Interrupted("stopped before any run was started");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

std::string failures_text(const std::vector<RunFailure>& failures, std::size_t runs) {
  const RunFailure& first = failures.front();
  return fmt::format("{} of {} runs failed: {}: {}{}", failures.size(), runs, first.run, first.reason,
                     failures.size() > 1 ? "; .." : "");
}

/// What `report` needs beside the figures.
RunManifest manifest_of(const SweepOptions& options, const RunContext& context, RunStatus status,
                        std::optional<std::string> message) {
  RunManifest manifest;
  manifest.verb = "sweep";
  manifest.command = context.command;
  manifest.status = status;
  manifest.message = std::move(message);
  manifest.started_at = utc_now();
  manifest.options = {{"grid", options.grid.string()}};
  manifest.versions = {{"espalier", ESPALIER_VERSION}};
  manifest.machine = {cpu_name(), context.threads, memory_bytes()};
  return manifest;
}

/// ID.svg and the numbers that are drawn, ID.csv.
void write_drawings(const std::filesystem::path& folder, const std::vector<Figure>& figures) {
  std::filesystem::create_directories(folder);
  for (const Figure& figure : figures) {
    write_file(folder / (figure.id + ".svg"), standalone_svg(figure));
    write_file(folder / (figure.id + ".csv"), figure_csv(figure));
  }
}

/// sweep.json, sweep.md, numbers as CSV, figures and what `report` draws.
void write_tables(const SweepOptions& options, const RunContext& context, const PreparedSweep& sweep,
                  const SweepTables& tables, const std::vector<RunFailure>& failures) {
  std::filesystem::create_directories(options.out);
  write_file(options.out / "sweep.json", tables.json);
  write_file(options.out / "sweep.md", tables.markdown);
  for (const auto& [name, content] : tables.csv)
    if (!content.empty()) write_file(options.out / name, content);
  if (tables.figures.empty()) return;
  write_drawings(options.out / "figures", tables.figures);
  write_figures(options.out / "figures.json", tables.figures);
  const RunStatus status = !failures.empty() ? RunStatus::kFailed
                           : tables.complete ? RunStatus::kFinished
                                             : RunStatus::kInterrupted;
  const auto message =
      failures.empty() ? std::nullopt : std::optional(failures_text(failures, sweep.runs.size()));
  write_manifest(options.out / "manifest.json", manifest_of(options, context, status, message));
}

std::vector<RunFailure> run_all(const SweepOptions& options, const RunContext& context,
                                const PreparedSweep& sweep) {
  create_output_folder(options.out, IfExists::kOverwrite);  // it goes on with what is there
  FolderLock lock(options.out, LockHolders::kDescendants);  // none is resumed while it still saves
  wait_for_lock(lock, options.out, context);
  return sweep.run(context);
}

}  // namespace

std::string program_name(const RunContext& context) {
  return context.command.empty() ? "espalier" : context.command.front();
}

void describe(options::OptionTable& table, SweepOptions& options) {
  table
      .positional("grid", options.grid, "GRID.toml",
                  "settings, tasks and seeds of finetune; or methods, shares kept, texts and seeds of prune")
      .require();
  table.add("out", options.out, "DIR", "run folders and tables; finished runs in it are not repeated")
      .require();
  table
      .add("jobs", options.jobs, "J",
           "runs of finetune at a time, which share --threads; methods run one after the other")
      .between(1, 1024);
  table
      .add("cells", options.cells, "DIR",
           "keep a small file of each finished run of finetune here; a run whose file is there is done, on "
           "any "
           "machine")
      .writes();
  table.flag("dry-run", options.dry_run, "print the commands, run nothing");
  table.flag("summary", options.summary, "only the tables of what is finished").without("dry-run");
  table.flag("keep-models", options.models, FinishedModels::kKeep,
             "keep model/ and state.safetensors of finished runs");
}

SweepSummary sweep(const SweepOptions& options, const RunContext& context) {
  return sweep_grid(options, context, nullptr);
}

SweepSummary sweep_grid(const SweepOptions& options, const RunContext& context, PrepareSettings settings) {
  const std::string toml = read_file(options.grid);
  const bool methods = is_method_grid(toml, options.grid.string());
  if (!methods && settings == nullptr) refuse_to_train("finetune");
  const PreparedSweep prepared =
      methods ? prepare_methods(toml, options, context) : settings(toml, options, context);
  if (options.dry_run) return {prepared.commands, {}, {}};
  std::vector<RunFailure> failures;
  if (!options.summary) failures = run_all(options, context, prepared);
  const SweepTables tables = prepared.tables(options.grid.filename().string());
  write_tables(options, context, prepared, tables, failures);
  if (failures.empty()) return {{}, tables.json, tables.markdown};
  if (context.part) context.part(tables.markdown);
  throw UserError(failures_text(failures, prepared.runs.size()),
                  fmt::format("the whole story is in {}; the same command tries them again",
                              failures.front().log.string()));
}

nlohmann::ordered_json to_json(const SweepSummary& summary) {
  if (summary.json.empty()) return {{"format", "espalier.sweep_commands/1"}, {"commands", summary.commands}};
  return nlohmann::ordered_json::parse(summary.json);
}

std::string to_text(const SweepSummary& summary) {
  return summary.json.empty() ? fmt::format("{}\n", fmt::join(summary.commands, "\n")) : summary.markdown;
}

Verb sweep_verb() {
  return make_verb({"sweep", "fine-tune in settings x tasks x seeds, or prune by many methods, and compare",
                    "Examples:\n  espalier sweep benchmarks/quality/task_specific_pruning.toml --out "
                    "runs/sweep\n  espalier "
                    "sweep benchmarks/quality/methods.toml --out runs/methods",
                    220},
                   sweep);
}

}  // namespace espalier::pipeline
