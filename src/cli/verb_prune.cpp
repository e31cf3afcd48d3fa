#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "artifacts/run_manifest.h"
#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/machine.h"
#include "base/stopwatch.h"
#include "cli/program.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "pipeline/plan_actions.h"
#include "prune/criteria/criterion.h"
#include "report/shell_command.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// An option that is another verb's: what follows it is handed on as it is.
struct HandedOn {
  const char* verb;
  const char* option;
  const char* type;  ///< nullptr: a flag
  const char* description;
  const char* there = nullptr;  ///< how that verb calls it, where the name is another
};

constexpr HandedOn kHandedOn[] = {
    {"observe", "--samples", "N", "calibration rows"},
    {"observe", "--seq-len", "N", "tokens of a row"},
    {"observe", "--rows", "joined|documents", "how documents become rows"},
    {"observe", "--text-field", "NAME", "of .jsonl: the text, or a list of chat messages"},
    {"observe", "--chat-template", "NAME", "of a chat message"},
    {"observe", "--max-memory", "GB", "of hidden states in memory"},
    {"observe", "--hidden-dtype", "f32|bf16", "of hidden states between layers"},
    {"observe", "--similarity", "KIND,..", "how alike experts are, for --action merge"},
    {"observe", "--similarity-tokens", "N", "that every expert computes"},
    {"observe", "--keep-tokens", "N", "that are kept, for --action reconstruction and least squares"},
    {"score", "--reference", "MODEL0", "the model before fine-tuning (router_norm_change)"},
    {"score", "--min-tokens", "N", "protect experts that got fewer tokens"},
    {"plan", "--keep", "N|F", "experts per layer, or with a point a fraction of them"},
    {"plan", "--keep-bytes", "BYTES", "that the experts which stay may take"},
    {"plan", "--target-size", "BYTES", "that the whole model may take"},
    {"plan", "--budget", "per_layer|global", "who competes with whom"},
    {"plan", "--protect", "L:E,..", "experts that stay"},
    {"plan", "--skip-layers", "L,..", "blocks that stay as they are"},
    {"plan", "--router", "reroute|zero_output", "what becomes of a dropped expert's tokens"},
    {"plan", "--experts-per-token", "K", "of the model afterwards"},
    {"plan", "--method", "NAME", "of --action merge"},
    {"plan", "--group-by", "NAME", "of --action merge: what is alike"},
    {"plan", "--grouping", "NAME", "of --action merge: how groups are made"},
    {"plan", "--weights", "NAME", "of --action merge: of the experts of a group"},
    {"plan", "--search", "NAME", "of --action reconstruction"},
    {"apply", "--shard-size", "BYTES", "largest safetensors file"},
    {"apply", "--allow-unequal", nullptr, "layers may keep different numbers of experts"},
    {"plan apply", "--reset-groups", nullptr, "drop across router groups; the result has one group"},
    {"apply", "--zero-fill", nullptr, "for --router zero_output: dropped experts become zeros"},
    {"apply", "--drop-mtp", nullptr, "leave multi-token-prediction layers out"},
    {"compare", "--eval-seq-len", "N", "tokens of a window of --compare", "--seq-len"},
    {"compare", "--eval-limit", "N", "the first so many windows of each file of --compare", "--limit"},
};

bool belongs_to(const HandedOn& option, std::string_view verb) {
  return fmt::format(" {} ", option.verb).find(fmt::format(" {} ", verb)) != std::string::npos;
}

struct PruneArguments {
  std::string model, criterion, action = "drop", out, observations;
  std::vector<std::string> data, compare;
  std::vector<std::vector<std::string>> handed_on =
      std::vector<std::vector<std::string>>(std::size(kHandedOn));
  bool align = false, resume = false, overwrite = false;
};

/// "wiki=texts/test.txt" names the text; else it has the file's name up to the first dot.
std::map<std::string, std::string> named_files(const std::vector<std::string>& words) {
  std::map<std::string, std::string> files;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    const auto file = equals == std::string::npos ? word : word.substr(equals + 1);
    auto name = equals == std::string::npos ? fs::path(word).filename().string() : word.substr(0, equals);
    if (equals == std::string::npos) name = name.substr(0, name.find('.'));
    if (name.empty() || name.find('/') != std::string::npos || file.empty())
      throw UserError(fmt::format("--compare: found {}, expected FILE or NAME=FILE", word));
    if (!files.emplace(name, file).second)
      throw UserError(fmt::format("--compare: two texts are named {}", name), "give names: NAME=FILE");
  }
  return files;
}

/// One verb of the whole, and the file that is there when it is done; empty: it is always run.
struct Step {
  std::vector<std::string> command;
  fs::path result;
};

class Pruning {
 public:
  Pruning(const PruneArguments& arguments, const GlobalOptions& global)
      : arguments_(arguments), global_(global) {
    plan_steps();
  }

  void run() {
    open_folder();
    save(RunStatus::kRunning);
    try {
      for (const Step& step : steps_) run_step(step);
    } catch (const Interrupted&) {
      save(RunStatus::kInterrupted);
      throw;
    } catch (const std::exception& error) {
      save(RunStatus::kFailed, error.what());
      throw;
    }
    save(RunStatus::kFinished);
    run_step({command("report", {arguments_.out, "--out", in_run("report.html")}), {}});
    if (global_.json) std::cout << results_.dump(2) << '\n';
  }

 private:
  std::string in_run(const char* file) const { return (fs::path(arguments_.out) / file).string(); }

  std::vector<std::string> command(std::string_view verb, std::vector<std::string> words) const {
    words.insert(words.begin(), {"espalier", std::string(verb)});
    for (std::size_t i = 0; i < std::size(kHandedOn); ++i) {
      const auto& given = arguments_.handed_on[i];
      if (given.empty() || !belongs_to(kHandedOn[i], verb)) continue;
      words.emplace_back(kHandedOn[i].there != nullptr ? kHandedOn[i].there : kHandedOn[i].option);
      if (kHandedOn[i].type != nullptr) words.insert(words.end(), given.begin(), given.end());
    }
    words.insert(words.end(), {"--seed", std::to_string(global_.seed)});
    return words;
  }

  void plan_steps() {
    check_arguments();
    const auto &model = arguments_.model, &action = arguments_.action;
    const auto plan = in_run("plan.json"), result = in_run("model");
    auto observations = arguments_.observations;
    if (!arguments_.data.empty()) {
      observations = in_run("observations.safetensors");
      std::vector<std::string> words{model, "--out", observations, "--resume", "--data"};
      words.insert(words.end(), arguments_.data.begin(), arguments_.data.end());
      steps_.push_back({command("observe", std::move(words)), observations});
    }
    std::vector<std::string> apply{model, plan, "--out", result};
    if (scores_decide()) {
      const auto scores = in_run("scores.json");
      const auto source = needs_data() ? observations : model;
      steps_.push_back(
          {command("score", {source, "--criterion", arguments_.criterion, "--out", scores}), scores});
      steps_.push_back({command("plan", {scores, "--model", model, "--out", plan}), plan});
      apply.insert(apply.end(), {"--scores", scores});
    } else {
      const auto decided = arguments_.align ? in_run("merges.json") : plan;
      std::vector<std::string> words{"--observations", observations, "--action", action,
                                     "--model",        model,        "--out",    decided};
      if (!arguments_.criterion.empty()) words.insert(words.end(), {"--criterion", arguments_.criterion});
      steps_.push_back({command("plan", std::move(words)), decided});
      if (arguments_.align) steps_.push_back({command("align", {decided, model, "--out", plan}), plan});
    }
    steps_.push_back({command("apply", std::move(apply)), result});
    steps_.push_back({command("verify", {model, result, "--plan", plan}), {}});
    for (const auto& [name, file] : named_files(arguments_.compare)) {
      const auto out = in_run(fmt::format("compare-{}.json", name).c_str());
      steps_.push_back({command("compare", {model, result, "--data", file, "--out", out}), out});
    }
    for (const Step& step : steps_) lines_.push_back(shell_command(step.command));
  }

  bool scores_decide() const {
    return pipeline::decided_by_scores(pipeline::find_plan_action(arguments_.action));
  }

  pipeline::PlanActionOptions action_options() const {
    const auto given = [&](std::string_view option) -> std::optional<std::string> {
      for (std::size_t i = 0; i < std::size(kHandedOn); ++i)
        if (kHandedOn[i].option == option && !arguments_.handed_on[i].empty())
          return arguments_.handed_on[i].front();
      return std::nullopt;
    };
    pipeline::PlanActionOptions options;
    if (!arguments_.criterion.empty()) options.criterion = arguments_.criterion;
    options.method = given("--method");
    options.group_by = given("--group-by");
    options.grouping = given("--grouping");
    options.weights = given("--weights");
    options.search = given("--search");
    return options;
  }

  bool needs_data() const {
    return !scores_decide() || find_criterion(arguments_.criterion).observed != nullptr;
  }

  void check_arguments() const {
    const auto &criterion = arguments_.criterion, &action = arguments_.action;
    if (scores_decide() && criterion.empty())
      throw UserError("prune: neither --criterion nor --action is given",
                      "--criterion reap, say, or --action merge (`espalier plan --help` lists them)");
    pipeline::check_options_of_action(action_options(), action);
    if (arguments_.align && action != "merge")
      throw UserError(fmt::format("--align: --action {} merges nothing", action), "--action merge");
    if (needs_data() && arguments_.data.empty() && arguments_.observations.empty())
      throw UserError(fmt::format("--data is missing: {} is computed from a calibration run",
                                  scores_decide() ? criterion : "--action " + action),
                      "name text, .jsonl or token ids, or --observations of an earlier run");
  }

  void open_folder() {
    const fs::path manifest = in_run("manifest.json");
    if (!arguments_.resume) {
      create_output_folder(arguments_.out, arguments_.overwrite ? IfExists::kOverwrite : IfExists::kFail);
      remove_results();
      return;
    }
    const RunManifest before = read_manifest(manifest);
    if (before.options.value("commands", nlohmann::json()) != nlohmann::json(lines_))
      throw UserError(fmt::format("{}: that run had other options", manifest.string()),
                      "repeat its command line (it is in the file) with --resume, or choose another --out");
    seconds_ = before.timings_seconds;
  }

  /// Of an older run, which may have had other steps. Its observations stay where this run reads them.
  void remove_results() const {
    const fs::path observed = in_run("observations.safetensors");
    std::error_code absent;
    if (!fs::equivalent(observed, arguments_.observations, absent)) fs::remove(observed);
    for (const char* name :
         {"observations.safetensors.state", "scores.json", "merges.json", "plan.json", "model"})
      fs::remove_all(in_run(name));
    std::vector<fs::path> comparisons;
    for (const auto& entry : fs::directory_iterator(arguments_.out)) {
      const fs::path& file = entry.path();
      if (file.filename().string().starts_with("compare-") && file.extension() == ".json")
        comparisons.push_back(file);
    }
    for (const fs::path& file : comparisons) fs::remove(file);
  }

  void run_step(const Step& step) {
    const std::string& verb = step.command[1];
    if (!step.result.empty() && fs::exists(step.result)) {
      if (!global_.json) std::cout << fmt::format("{} is there\n", step.result.string());
      return;
    }
    if (interrupt_requested()) throw Interrupted(fmt::format("stopped before {}; go on with --resume", verb));
    const Stopwatch watch;
    auto command = step.command;
    if (global_.threads) command.insert(command.end(), {"--threads", std::to_string(*global_.threads)});
    if (global_.quiet) command.emplace_back("--quiet");
    if (global_.json) {
      command.emplace_back("--json");
      add_result(verb, json_of(command));
    } else {
      std::cout << fmt::format("$ {}\n", shell_command(step.command)) << std::flush;
      run_verb(command);
    }
    seconds_[verb] += watch.seconds();
  }

  /// A verb that runs several times has a list.
  void add_result(const std::string& verb, nlohmann::ordered_json result) {
    if (verb == "compare")
      results_[verb].push_back(std::move(result));
    else
      results_[verb] = std::move(result);
  }

  /// What the verb would print, as a value.
  static nlohmann::ordered_json json_of(const std::vector<std::string>& command) {
    struct Redirected {
      std::ostringstream text;
      std::streambuf* before = std::cout.rdbuf(text.rdbuf());
      ~Redirected() { std::cout.rdbuf(before); }
    } output;
    run_verb(command);
    return nlohmann::ordered_json::parse(output.text.str());
  }

  void save(RunStatus status, std::optional<std::string> message = {}) {
    RunManifest manifest;
    manifest.verb = "prune";
    manifest.command = global_.command;
    manifest.status = status;
    manifest.message = std::move(message);
    manifest.started_at = started_at_;
    manifest.options = {{"commands", lines_}};
    manifest.versions = {{"espalier", ESPALIER_VERSION}};
    manifest.seed = global_.seed;
    manifest.machine = {cpu_name(), global_.threads.value_or(hardware_threads()), memory_bytes()};
    manifest.timings_seconds = seconds_;
    manifest.peak_rss_bytes = peak_resident_bytes();
    write_manifest(in_run("manifest.json"), manifest);
  }

  const PruneArguments& arguments_;
  const GlobalOptions& global_;
  std::vector<Step> steps_;
  std::vector<std::string> lines_;  // the steps as a shell reads them
  std::string started_at_ = utc_now();
  std::map<std::string, double> seconds_;
  nlohmann::ordered_json results_{{"format", "espalier.pruned/1"}, {"out", arguments_.out}};
};

}  // namespace

void add_prune(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<PruneArguments>();
  PruneArguments& a = *arguments;
  app.add_option("model", a.model, "checkpoint folder; only read")->required()->type_name("MODEL");
  app.add_option("--criterion", a.criterion, "what is computed of each expert (see `espalier score --help`)")
      ->type_name("NAME");
  app.add_option("--action", a.action,
                 "what becomes of experts that do not stay: drop (the lowest by --criterion), or merge, "
                 "reconstruction, novice (see `espalier plan --help`)")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_flag("--align", a.align, "with --action merge: put the experts' neurons in order first");
  auto* data =
      app.add_option("--data", a.data, "calibration: text, .jsonl or token ids (.json)")->type_name("FILE");
  app.add_option("--observations", a.observations, "of an earlier run, instead of --data")
      ->excludes(data)
      ->type_name("OBS");
  app.add_option("--compare", a.compare, "texts to measure the pruned model on, against the model before")
      ->type_name("[NAME=]FILE");
  app.add_option("--out", a.out, "run folder: observations, scores, plan, model, report")
      ->required()
      ->type_name("RUN");
  for (std::size_t i = 0; i < std::size(kHandedOn); ++i) {
    const HandedOn& option = kHandedOn[i];
    if (option.type == nullptr) {
      app.add_flag_callback(
          option.option, [&values = a.handed_on[i]] { values = {"true"}; }, option.description);
    } else {
      app.add_option(option.option, a.handed_on[i], option.description)->expected(1)->type_name(option.type);
    }
  }
  app.add_flag("--resume", a.resume, "go on with a run that was stopped");
  app.add_flag("--overwrite", a.overwrite, "the folder may hold an older run, which goes");
  app.footer(
      "Examples:\n  espalier prune mixtral --criterion reap --data code.txt --keep 0.5 --out runs/half\n"
      "  espalier prune mixtral --action merge --similarity cka --data code.txt --keep 0.5 --out "
      "runs/merged");
  app.callback([arguments, &global] { Pruning(*arguments, global).run(); });
}

}  // namespace espalier
