#include <fmt/format.h>

#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/machine.h"
#include "observe/observe_state.h"
#include "pipeline/prune_steps.h"
#include "pipeline/sweeps.h"
#include "prune/criteria/criterion.h"
#include "report/shell_command.h"
#include "sweep/method_comparison.h"
#include "sweep/method_grid.h"
#include "sweep/run_inputs.h"

namespace espalier::pipeline {
namespace {

namespace fs = std::filesystem;

template <typename Options>
Options options_from(const OptionValues& values, const std::string& run) {
  Options options;
  options::OptionTable table;
  describe(table, options);
  set_options(values, run, table);
  return options;
}

/// Options of a verb that a grid may set.
template <typename Options>
std::vector<GridOption> known_options() {
  Options options;
  options::OptionTable table;
  describe(table, options);
  return grid_options(table);
}

ObserveOptions observe_options(const SharedObservations& one) {
  OptionValues values = one.options;
  values["out"] = std::vector{one.file.string()};
  return options_from<ObserveOptions>(values, one.file.string());
}

std::vector<std::string> observe_command(const SharedObservations& one, const std::string& program) {
  auto words = options::command_line("observe", observe_options(one));
  words.insert(words.begin(), program);
  words.insert(words.end(), {"--seed", fmt::to_string(one.seed)});
  return words;
}

/// Of one run, checked as far as that goes without its files.
PruneOptions prune_options(const GridRun& run) {
  OptionValues values = run.options;
  values["out"] = std::vector{run.folder.string()};
  PruneOptions options = options_from<PruneOptions>(values, run.name());
  try {
    prune_steps(options, run.seed);
  } catch (const UserError& error) {
    throw UserError(fmt::format("{}: {}", run.name(), error.what()), error.hint());
  }
  return options;
}

std::vector<std::string> prune_arguments(const GridRun& run) {
  PruneOptions options = prune_options(run);
  options.out.clear();
  auto words = options::command_line("prune", options);
  words.insert(words.end(), {"--seed", fmt::to_string(run.seed)});
  return words;
}

MethodInputs inputs_of_method(const GridSetting& method) {
  const auto action = method.options.find("action");
  if (action != method.options.end() && !decided_by_scores(find_plan_action(action->second->front())))
    return MethodInputs::kData;
  const Criterion& criterion = find_criterion(method.options.at("criterion")->front());
  if (needs_observations(criterion)) return MethodInputs::kData;
  return criterion.input == CriterionInput::kSeed ? MethodInputs::kSeed : MethodInputs::kNothing;
}

/// What each file of observations is made from, by its name; of a mixture, what its parts are.
std::map<std::string, std::string> observation_inputs(const std::vector<SharedObservations>& all,
                                                      const std::string& model) {
  std::map<std::string, std::string> inputs;
  for (const SharedObservations& one : all) {
    const ObserveOptions options = observe_options(one);
    RunInputs made;
    made.add_command(observe_command(one, "espalier"));
    if (options.merge.empty()) made.add_model(model);
    for (const fs::path& file : options.data) made.add_file(file);
    for (const fs::path& part : options.merge) made.add(part.string(), sha256(inputs.at(part.string())));
    inputs[one.file.string()] = made.text();
  }
  return inputs;
}

/// Of a run beside its options: the model, what was observed, the texts it is measured on.
std::string inputs_of(const PruneOptions& options, const std::map<std::string, std::string>& observed) {
  RunInputs inputs;
  inputs.add_model(options.model);
  if (options.observations) inputs.add("observations", sha256(observed.at(options.observations->string())));
  for (const auto& [name, file] : texts_to_compare(options.compare_texts)) inputs.add_file(file);
  return inputs.text();
}

bool is_there(const SharedObservations& one, const std::string& inputs) {
  return fs::exists(one.file) && is_made_from(one.file, inputs);
}

void discard_other_observations(const SharedObservations& one, const std::string& inputs,
                                const RunContext& context) {
  if (is_made_from(one.file, inputs)) return;
  if (fs::exists(one.file) && context.note)
    context.note(
        fmt::format("{}: of other options, another text or another model: made anew", one.file.string()));
  fs::remove(one.file);
  ObserveState(one.file).remove();
  record_inputs(one.file, inputs);
}

void make_observations(const std::vector<SharedObservations>& all,
                       const std::map<std::string, std::string>& inputs, const RunContext& context) {
  std::size_t done = 0;
  for (const SharedObservations& one : all) {
    ++done;
    if (is_there(one, inputs.at(one.file.string()))) {
      ObserveState(one.file).remove();  // of a sweep that was killed between its last two steps
      continue;
    }
    if (context.note)
      context.note(fmt::format("{} of {} files of observations: {}", done, all.size(), one.file.string()));
    fs::create_directories(one.file.parent_path());
    discard_other_observations(one, inputs.at(one.file.string()), context);
    RunContext inner = context;
    inner.seed = one.seed;
    inner.part = {};
    try {
      observe(observe_options(one), inner);
    } catch (const Interrupted&) {
      throw Interrupted(
          fmt::format("stopped with {} of {} files of observations made; the same command goes on", done - 1,
                      all.size()));
    } catch (const UserError& error) {
      throw UserError(fmt::format("{}: {}", one.file.string(), error.what()), error.hint());
    }
  }
}

/// The runs of a grid, one after the other.
class MethodRunner {
 public:
  MethodRunner(const std::vector<GridRun>& runs, FinishedModels models, const RunContext& context)
      : runs_(runs), models_(models), context_(context) {}

  std::vector<RunFailure> operator()() {
    std::vector<std::pair<const GridRun*, RunState>> waiting;
    for (const GridRun& run : runs_) {
      const RunState state = state_of(run);
      if (state != RunState::kFinished)
        waiting.emplace_back(&run, state);
      else if (fs::exists(begun(run)))
        clear(run);  // a sweep that was killed had not come to it
    }
    done_ = runs_.size() - waiting.size();
    for (const auto& [run, state] : waiting) {
      report(run->name());
      run_one(*run, state);
      ++done_;
    }
    report("");
    return std::move(failures_);
  }

 private:
  void run_one(const GridRun& run, RunState state) {
    PruneOptions options = prune_options(run);
    options.resume = state == RunState::kStopped;
    options.if_exists = state == RunState::kLeftOver ? IfExists::kOverwrite : IfExists::kFail;
    fs::create_directories(run.folder.parent_path());
    if (!is_made_from(run.folder, run.inputs))
      fs::remove(run.folder / "manifest.json");  // it is no run of these
    record_inputs(run.folder, run.inputs);
    std::ofstream log(run.log(), std::ios::app);
    write_file(begun(run), "");
    RunContext inner = context_;
    inner.seed = run.seed;
    inner.command = command_of(run, state, program_name(context_), context_.threads);
    inner.part = [&log](std::string_view text) { log << text << std::flush; };
    inner.note = [&log](std::string_view text) { log << text << std::endl; };
    inner.progress = [](const Progress&) {};  // the bar counts runs
    try {
      restart_peak_resident_bytes();
      prune(options, inner);
      clear(run);
    } catch (const Interrupted& interrupted) {
      log << "espalier: error: " << interrupted.what() << std::endl;
      throw Interrupted(
          fmt::format("stopped with {} of {} runs done; the same command goes on", done_, runs_.size()));
    } catch (const std::exception& error) {
      log << "espalier: error: " << error.what() << std::endl;
      failures_.push_back({run.name(), error.what(), run.log()});
      if (context_.note) context_.note(fmt::format("{} failed: {}", run.name(), error.what()));
    }
  }

  /// Beside the log of a run that this sweep began and has not cleared.
  static fs::path begun(const GridRun& run) { return run.log().replace_extension(".begun"); }

  /// Takes away what nobody needs of a finished run: its weights, and files that were being written.
  void clear(const GridRun& run) const {
    for (const auto& entry : fs::directory_iterator(run.folder))
      if (entry.path().filename().string().starts_with('.') && entry.path().extension() == ".tmp")
        fs::remove(entry.path());
    if (models_ == FinishedModels::kDelete) delete_weights(run.folder);
    fs::remove(begun(run));
  }

  void report(const std::string& running) const {
    if (context_.progress) context_.progress({"sweep", done_, runs_.size(), "runs", running});
  }

  const std::vector<GridRun>& runs_;
  FinishedModels models_;
  const RunContext& context_;
  std::size_t done_ = 0;
  std::vector<RunFailure> failures_;
};

}  // namespace

PreparedSweep prepare_methods(const std::string& toml, const SweepOptions& options,
                              const RunContext& context) {
  const MethodGrid grid = parse_method_grid(toml, options.grid.string(), known_options<ObserveOptions>(),
                                            known_options<PruneOptions>());
  const auto observations = observations_of(grid, options.out);
  PreparedSweep sweep{runs_of(grid, options.out, inputs_of_method), {}, {}, {}};
  for (GridRun& run : sweep.runs) run.arguments = prune_arguments(run);
  const auto inputs = observation_inputs(observations, grid.model);  // the options are right: now the files
  for (GridRun& run : sweep.runs) run.inputs = inputs_of(prune_options(run), inputs);
  const std::string program = program_name(context);
  for (const SharedObservations& one : observations)
    sweep.commands.push_back((is_there(one, inputs.at(one.file.string())) ? "# there: " : "") +
                             shell_command(observe_command(one, program)));
  for (const GridRun& run : sweep.runs) {
    const RunState state = state_of(run);
    sweep.commands.push_back((state == RunState::kFinished ? "# finished: " : "") +
                             shell_command(command_of(run, state, program, context.threads)));
  }
  sweep.run = [observations, inputs, runs = sweep.runs, models = options.models](const RunContext& now) {
    make_observations(observations, inputs, now);
    return MethodRunner(runs, models, now)();
  };
  sweep.tables = [grid, runs = sweep.runs](const std::string& title) {
    const MethodComparison comparison = compare_methods(grid, runs);
    return SweepTables{method_json(comparison, title),
                       method_markdown(comparison, title),
                       method_figures(comparison),
                       {},
                       comparison.runs.size() == runs.size()};
  };
  return sweep;
}

}  // namespace espalier::pipeline
