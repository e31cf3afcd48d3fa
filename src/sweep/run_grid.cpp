#include "sweep/run_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <thread>

#include "base/error.h"
#include "base/interrupt.h"
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

  static void delete_weights(const fs::path& folder) {
    fs::remove_all(folder / "model");
    fs::remove(folder / "state.safetensors");
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

/// Waits for it; Ctrl-C reaches it too.
int wait_for(ChildProcess& process) {
  bool asked = false;
  while (true) {
    if (const auto exit_code = process.exit_code()) return *exit_code;
    if (interrupt_requested() && !asked) {
      process.interrupt();
      asked = true;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace

void make_observations(std::span<const SharedObservations> all, const RunGridOptions& options) {
  std::size_t done = 0;
  for (const auto& one : all) {
    if (options.progress) options.progress({"observing", done, all.size(), "files", one.file.string()});
    ++done;
    if (fs::exists(one.file)) continue;
    fs::create_directories(one.file.parent_path());
    const auto log_start = log_size(one.log());
    auto words = one.command(options.program_name);
    words.insert(words.end(), {"--threads", fmt::to_string(options.threads)});
    ChildProcess process(options.program, std::move(words), one.log());
    const int exit_code = wait_for(process);
    if (interrupt_requested())
      throw Interrupted(
          fmt::format("stopped with {} of {} files of observations made; the same command goes on", done - 1,
                      all.size()));
    if (exit_code != 0)
      throw UserError(
          fmt::format("{}: {}", one.file.string(), reason_of_failure(one.log(), log_start, exit_code)),
          fmt::format("the whole story is in {}", one.log().string()));
  }
}

int threads_per_run(const RunGridOptions& options) {
  return std::max(1, options.threads / options.jobs);
}

std::vector<RunFailure> run_grid(std::span<const GridRun> runs, const RunGridOptions& options) {
  return GridRunner(runs, options)();
}

}  // namespace espalier
