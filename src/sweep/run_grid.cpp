#include "sweep/run_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/staged_folder.h"
#include "sweep/cells.h"
#include "sweep/child_process.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr auto kPollInterval = std::chrono::milliseconds(50);  // nothing beside runs of seconds to hours

struct ActiveRun {
  const GridRun* run;
  ChildProcess process;
  std::uintmax_t log_start;  // what an earlier attempt printed is before it
};

class GridRunner {
 public:
  GridRunner(std::span<const GridRun> runs, const RunGridOptions& options) : runs_(runs), options_(options) {}

  std::vector<RunFailure> operator()() {
    plan_work();
    report();
    while (!waiting_.empty() || !active_.empty()) {
      if (interrupt_requested()) stop();
      while (active_.size() < static_cast<std::size_t>(options_.jobs) && start_next()) {
      }
      std::this_thread::sleep_for(kPollInterval);
      reap();
      report();
    }
    return std::move(failures_);
  }

 private:
  using Waiting = std::pair<const GridRun*, RunState>;

  void plan_work() {
    std::map<fs::path, const GridRun*> by_folder;
    std::set<const GridRun*> needed;
    for (const auto& run : runs_) {
      by_folder[run.folder] = &run;
      if (const auto cell = finished_cell(run)) {
        tokens_ += options_.cells.empty() ? cell->tokens : 0;
        if (!run.cell.empty() && !fs::exists(run.cell)) keep_cell(run);
      } else {
        needed.insert(&run);
      }
    }
    if (!options_.cells.empty()) tokens_ = tokens_of_cells(options_.cells);
    for (const auto& run : runs_)
      if (needed.contains(&run) && !run.first_pass.empty() && !has_model(run.first_pass))
        needed.insert(by_folder.at(run.first_pass));
    for (const auto& run : runs_) {
      if (!needed.contains(&run)) continue;
      const auto state = state_of(run);
      waiting_.emplace_back(&run, state == RunState::kFinished ? RunState::kLeftOver : state);
    }
    done_ = runs_.size() - waiting_.size();
  }

  static bool has_model(const fs::path& folder) { return fs::exists(folder / "model" / "config.json"); }

  /// Whether a run is not done yet whose folder is this one.
  bool is_to_come(const fs::path& folder) const {
    const auto same = [&](const GridRun* run) { return run->folder == folder; };
    return std::ranges::any_of(waiting_, [&](const Waiting& one) { return same(one.first); }) ||
           std::ranges::any_of(active_, [&](const ActiveRun& one) { return same(one.run); });
  }

  bool budget_is_used_up() const { return options_.token_budget && tokens_ >= *options_.token_budget; }

  void give_up_for_the_budget() {
    if (options_.note)
      options_.note(fmt::format("{} of {} training tokens are used up: {} runs are not started", tokens_,
                                *options_.token_budget, waiting_.size()));
    waiting_.clear();
  }

  /// Whether there was one that could start.
  bool start_next() {
    if (!waiting_.empty() && budget_is_used_up()) give_up_for_the_budget();
    const auto next = std::ranges::find_if(waiting_, [&](const Waiting& one) {
      return one.first->first_pass.empty() || !is_to_come(one.first->first_pass);
    });
    if (next == waiting_.end()) return false;
    const auto [run, state] = *next;
    waiting_.erase(next);
    fs::create_directories(run->folder.parent_path());
    const auto log_start = log_size(run->log());
    active_.push_back(
        {run,
         ChildProcess(options_.program,
                      command_of(*run, state, options_.program_name, threads_per_run(options_)), run->log()),
         log_start});
    return true;
  }

  /// Nobody needs the weights any more of a run and of its first pass.
  void clear(const GridRun& run) {
    if (options_.models != FinishedModels::kDelete) return;
    for (const auto& folder : {run.folder, run.first_pass}) {
      const auto starts_from_it = [&](const GridRun* other) { return other->first_pass == folder; };
      if (folder.empty() ||
          std::ranges::any_of(waiting_, [&](const Waiting& one) { return starts_from_it(one.first); }) ||
          std::ranges::any_of(
              active_, [&](const ActiveRun& one) { return one.run != &run && starts_from_it(one.run); }))
        continue;
      delete_weights(folder);
    }
  }

  void reap() {
    for (auto active = active_.begin(); active != active_.end();) {
      const auto exit_code = active->process.exit_code();
      if (!exit_code) {
        ++active;
        continue;
      }
      finish(*active, *exit_code);
      active = active_.erase(active);
    }
  }

  void finish(const ActiveRun& active, int exit_code) {
    if (exit_code == 0) {
      ++done_;
      tokens_ += static_cast<std::uint64_t>(keep_cell(*active.run));
      clear(*active.run);
    } else if (!interrupt_requested()) {
      ++done_;
      failures_.push_back({active.run->name(),
                           reason_of_failure(active.run->log(), active.log_start, exit_code),
                           active.run->log()});
      if (options_.note)
        options_.note(fmt::format("{} failed: {}", failures_.back().run, failures_.back().reason));
    }
  }

  [[noreturn]] void stop() {
    for (auto& active : active_) active.process.interrupt();
    while (!active_.empty()) {
      std::this_thread::sleep_for(kPollInterval);
      reap();
    }
    throw Interrupted(
        fmt::format("stopped with {} of {} runs done; the same command goes on", done_, runs_.size()));
  }

  void report() const {
    if (!options_.progress) return;
    std::string names;
    for (const auto& active : active_) names += (names.empty() ? "" : ", ") + active.run->name();
    options_.progress({"sweep", done_, runs_.size(), "runs", names});
  }

  std::span<const GridRun> runs_;
  const RunGridOptions& options_;
  std::list<Waiting> waiting_;
  std::list<ActiveRun> active_;
  std::size_t done_ = 0;
  std::uint64_t tokens_ = 0;  // trained on, of the cells' folder or of this grid
  std::vector<RunFailure> failures_;
};

}  // namespace

void delete_weights(const fs::path& run) {
  remove_folder(run / "model");
  fs::remove(run / "state.safetensors");
}

int threads_per_run(const RunGridOptions& options) {
  return std::max(1, options.threads / options.jobs);
}

std::vector<RunFailure> run_grid(std::span<const GridRun> runs, const RunGridOptions& options) {
  return GridRunner(runs, options)();
}

}  // namespace espalier
