#include "sweep/run_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/staged_folder.h"
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
    for (const auto& run : runs_) {
      const auto state = state_of(run);
      if (state == RunState::kFinished)
        ++done_;
      else
        waiting_.emplace_back(&run, state);
    }
    report();
    while (!waiting_.empty() || !active_.empty()) {
      if (interrupt_requested()) stop();
      while (!waiting_.empty() && active_.size() < static_cast<std::size_t>(options_.jobs)) start_next();
      std::this_thread::sleep_for(kPollInterval);
      reap();
      report();
    }
    return std::move(failures_);
  }

 private:
  void start_next() {
    const auto [run, state] = waiting_.front();
    waiting_.pop_front();
    fs::create_directories(run->folder.parent_path());
    const auto log_start = log_size(run->log());
    active_.push_back(
        {run,
         ChildProcess(options_.program,
                      command_of(*run, state, options_.program_name, threads_per_run(options_)), run->log()),
         log_start});
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
      if (options_.models == FinishedModels::kDelete) delete_weights(active.run->folder);
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
  std::list<std::pair<const GridRun*, RunState>> waiting_;
  std::list<ActiveRun> active_;
  std::size_t done_ = 0;
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
