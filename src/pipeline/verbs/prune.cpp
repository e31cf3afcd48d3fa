#include "pipeline/verbs/prune.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifacts/run_manifest.h"
#include "base/error.h"
#include "base/folder_lock.h"
#include "base/interrupt.h"
#include "base/machine.h"
#include "base/staged_folder.h"
#include "base/stopwatch.h"
#include "checkpoint/checkpoint.h"
#include "observe/observe_state.h"
#include "pipeline/check_prune.h"
#include "pipeline/make_verb.h"
#include "pipeline/prune_steps.h"
#include "report/shell_command.h"

namespace espalier::pipeline {
namespace {

namespace fs = std::filesystem;

class Pruning {
 public:
  Pruning(const PruneOptions& options, const RunContext& context)
      : options_(options), context_(context), steps_(prune_steps(options, context.seed)) {
    for (const PruneStep& step : steps_) lines_.push_back(shell_command(step.command));
    const CheckpointIdentity model = Checkpoint::open(options.model).identity();
    model_ = {{"sha256", model.sha256}, {"stamps", model.stamps}};
    summary_.out = options.out;
  }

  PruneSummary run() {
    check_prune(options_, context_.seed);
    open_folder();
    save(RunStatus::kRunning);
    try {
      for (const PruneStep& step : steps_) run_step(step);
    } catch (const Interrupted&) {
      save(RunStatus::kInterrupted);
      throw;
    } catch (const std::exception& error) {
      save(RunStatus::kFailed, error.what());
      throw;
    }
    save(RunStatus::kFinished);
    run_step(report_step(options_, context_.seed));
    return std::move(summary_);
  }

 private:
  fs::path in_run(const char* file) const { return options_.out / file; }

  void open_folder() {
    const fs::path manifest = in_run("manifest.json");
    std::error_code absent;
    const bool begins = !fs::exists(options_.out, absent);  // what failed before its first step left nothing
    if (options_.resume && begins && context_.note)
      context_.note(fmt::format("{}: there is no run yet, it begins", options_.out.string()));
    if (!options_.resume || begins) {
      create_output_folder(options_.out, options_.if_exists);
      lock_.emplace(lock_for_writing(options_.out));
      fs::remove(manifest);  // first: without it nobody goes on with a part of the rest
      remove_results();
      return;
    }
    const RunManifest before = read_manifest(manifest);
    lock_.emplace(lock_for_writing(options_.out));
    for (const PruneStep& step : steps_) expect_done_alike(step, before, manifest);
    if (const auto model = before.options.find("model"); model != before.options.end() && *model != model_)
      throw UserError(
          fmt::format("{}: {} has changed since that run began", manifest.string(), options_.model.string()),
          "start again, with --overwrite or another --out: its observations are of the older model");
    seconds_ = before.timings_seconds;
  }

  /// What a run left is taken over where the step that left it is the same; steps to come may be others.
  void expect_done_alike(const PruneStep& step, const RunManifest& before, const fs::path& manifest) const {
    if (step.result.empty() || !fs::exists(step.result)) return;
    std::vector<std::string> lines;
    for (const auto& line : before.options.value("commands", nlohmann::json::array()))
      if (line.is_string()) lines.push_back(line.get<std::string>());
    if (std::find(lines.begin(), lines.end(), shell_command(step.command)) != lines.end()) return;
    const auto same_verb = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.starts_with(fmt::format("espalier {} ", step.verb));
    });
    throw UserError(
        fmt::format("{}: that run had other options: {} is there", manifest.string(), step.result.string()),
        same_verb == lines.end() ? "choose another --out, or start anew with --overwrite"
                                 : fmt::format("it is of `{}`: repeat its options, choose another --out, or "
                                               "start anew with --overwrite",
                                               *same_verb));
  }

  /// Of an older run, which may have had other steps. Its observations stay where this run reads them.
  void remove_results() const {
    const fs::path observed = in_run("observations.safetensors");
    std::error_code absent;
    if (!options_.observations || !fs::equivalent(observed, *options_.observations, absent))
      fs::remove(observed);
    for (const char* name : {"scores.json", "merges.json", "plan.json"}) fs::remove(in_run(name));
    for (const char* name : {"observations.safetensors.state", "model"}) remove_folder(in_run(name));
    std::vector<fs::path> comparisons;
    for (const auto& entry : fs::directory_iterator(options_.out)) {
      const fs::path& file = entry.path();
      if (file.filename().string().starts_with("compare-") && file.extension() == ".json")
        comparisons.push_back(file);
    }
    for (const fs::path& file : comparisons) fs::remove(file);
  }

  void tell(const std::string& line) const {
    if (context_.part) context_.part(line + "\n");
  }

  void run_step(const PruneStep& step) {
    if (!step.result.empty() && fs::exists(step.result)) {
      if (step.verb == "observe") ObserveState(step.result).remove();  // killed between its last two steps
      return tell(fmt::format("{} is there", step.result.string()));
    }
    if (interrupt_requested())
      throw Interrupted(fmt::format("stopped before {}; go on with --resume", step.verb));
    tell("$ " + shell_command(step.command));
    const Stopwatch watch;
    RunContext context = context_;
    context.command = step.command;
    step.run(context, summary_);
    seconds_[step.verb] += watch.seconds();
  }

  void save(RunStatus status, std::optional<std::string> message = {}) {
    RunManifest manifest;
    manifest.verb = "prune";
    manifest.command = context_.command;
    manifest.status = status;
    manifest.message = std::move(message);
    manifest.started_at = started_at_;
    manifest.options = {{"commands", lines_}, {"model", model_}};
    manifest.versions = {{"espalier", ESPALIER_VERSION}};
    manifest.seed = context_.seed;
    manifest.machine = {cpu_name(), context_.threads, memory_bytes()};
    manifest.timings_seconds = seconds_;
    manifest.peak_rss_bytes = peak_resident_bytes();
    write_manifest(in_run("manifest.json"), manifest);
  }

  const PruneOptions& options_;
  const RunContext& context_;
  std::optional<FolderLock> lock_;
  std::vector<PruneStep> steps_;
  std::vector<std::string> lines_;  // the steps as a shell reads them
  nlohmann::json model_;            // what it was when this began
  std::string started_at_ = utc_now();
  std::map<std::string, double> seconds_;
  PruneSummary summary_;
};

/// The options of the steps that people choose; the others are files that go from step to step.
void describe_steps(options::OptionTable& table, PruneOptions& options) {
  options::OptionTable observe, score, plan, apply, compare;
  describe(observe, options.observe);
  describe(score, options.score);
  describe(plan, options.plan);
  describe(apply, options.apply);
  describe(compare, options.compare);
  for (const char* name :
       {"samples", "seq-len", "rows", "text-field", "chat-template", "max-memory", "hidden-dtype",
        "similarity", "similarity-tokens", "similarity-width", "keep-tokens"})
    table.take(observe, name);
  for (const char* name : {"reference", "min-tokens"}) table.take(score, name);
  for (const char* name : {"keep", "keep-bytes", "target-size", "budget", "protect", "skip-layers", "router",
                           "experts-per-token", "method", "group-by", "grouping", "weights", "search"})
    table.take(plan, name);
  for (const char* name : {"shard-size", "allow-unequal", "zero-fill", "drop-mtp"}) table.take(apply, name);
  table.take(compare, "seq-len", "eval-seq-len").help = "tokens of a window of --compare";
  table.take(compare, "limit", "eval-limit").help = "the first so many windows of each file of --compare";
}

}  // namespace

void describe(options::OptionTable& table, PruneOptions& options) {
  table.positional("model", options.model, "MODEL", "checkpoint folder; only read").require();
  table.add("criterion", options.criterion, "NAME",
            "what is computed of each expert (see `espalier score --help`)");
  table.add("action", options.plan.action, "NAME",
            "what becomes of experts that do not stay: drop (the lowest by --criterion), or merge, "
            "reconstruction, novice (see `espalier plan --help`)");
  table.flag("align", options.align, "with --action merge: put the experts' neurons in order first");
  table.add("data", options.observe.data, "FILE", "calibration: text, .jsonl or token ids (.json)");
  table.add("observations", options.observations, "OBS", "of an earlier run, instead of --data")
      .without("data");
  table.add("compare", options.compare_texts, "[NAME=]FILE",
            "texts to measure the pruned model on, against the model before");
  table.add("out", options.out, "RUN", "run folder: observations, scores, plan, model, report").require();
  describe_steps(table, options);
  table.flag("reset-groups", options.groups, RouterGroupRule::kIgnore,
             "drop across router groups; the result has one group");
  table.flag("resume", options.resume, "go on with a run that was stopped");
  table.flag("overwrite", options.if_exists, IfExists::kOverwrite,
             "the folder may hold an older run, which goes");
}

PruneSummary prune(const PruneOptions& options, const RunContext& context) {
  return Pruning(options, context).run();
}

nlohmann::ordered_json to_json(const PruneSummary& summary) {
  nlohmann::ordered_json json{{"format", "espalier.pruned/1"}, {"out", summary.out.string()}};
  if (summary.observe) json["observe"] = to_json(*summary.observe);
  if (summary.score) json["score"] = to_json(*summary.score);
  if (summary.plan) json["plan"] = to_json(*summary.plan);
  if (summary.align) json["align"] = to_json(*summary.align);
  if (summary.apply) json["apply"] = to_json(*summary.apply);
  if (summary.verify) json["verify"] = to_json(*summary.verify);
  for (const CompareSummary& compared : summary.compare) json["compare"].push_back(to_json(compared));
  if (summary.report) json["report"] = to_json(*summary.report);
  return json;
}

std::string to_text(const PruneSummary& /*summary*/) {
  return {};
}

Verb prune_verb() {
  return make_verb(
      {"prune", "observe, score, plan, apply and verify in one, leaving every file behind",
       "Examples:\n  espalier prune mixtral --criterion reap --data code.txt --keep 0.5 --out runs/half\n"
       "  espalier prune mixtral --action merge --similarity cka --data code.txt --keep 0.5 --out "
       "runs/merged",
       100},
      prune);
}

}  // namespace espalier::pipeline
