#include "train/training_loop.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cmath>

#include "artifacts/run_manifest.h"
#include "base/error.h"
#include "base/folder_lock.h"
#include "base/interrupt.h"
#include "base/machine.h"
#include "base/rng.h"
#include "base/staged_folder.h"
#include "base/stopwatch.h"
#include "train/loss_window.h"
#include "train/ops/threads.h"
#include "train/schedule.h"
#include "train/train_state.h"
#include "train/window_pruner.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kDropoutStream = 3;

class Run {
 public:
  Run(std::string_view verb, Objective& objective, const TrainingOptions& options)
      : verb_(verb), objective_(objective), options_(options) {}

  TrainingSummary operator()() {
    open_folder();
    prepare();
    if (resumes_) check_same_options(options_, resolved());
    auto optimizer = starting_optimizer();
    metrics_.emplace(options_.out / "metrics.jsonl", resumes_ ? std::optional(progress_.step) : std::nullopt);
    write_status(RunStatus::kRunning);
    recall_losses();
    try {
      train(optimizer);
      save_result();
    } catch (const Interrupted&) {
      write_status(RunStatus::kInterrupted);
      throw;
    } catch (const std::exception& error) {
      write_status(RunStatus::kFailed, error.what());
      throw;
    }
    write_status(RunStatus::kFinished);
    return {progress_.step, progress_.tokens_seen, progress_.seconds, last_loss_, last_validation_};
  }

 private:
  fs::path manifest_file() const { return options_.out / "manifest.json"; }

  /// A run that was stopped before it had its data has said nothing of its options yet, and begins anew.
  void open_folder() {
    const bool asked = options_.start == RunStart::kResume;
    if (!asked)
      create_output_folder(options_.out, options_.if_exists);
    else if (!fs::exists(manifest_file()))
      throw UserError(fmt::format("{}: no run to resume: there is no manifest.json", options_.out.string()),
                      "pass the folder of the run that was stopped, or start a new one without --resume");
    lock_.emplace(lock_for_writing(options_.out));
    resumes_ = asked && !read_manifest(manifest_file()).options.empty();
    opens_ = !fs::exists(manifest_file());
    if (opens_) write_manifest(manifest_file(), opening_manifest(RunStatus::kRunning));
  }

  /// An older run stays as it is until this one has read its data.
  void prepare() {
    try {
      objective_.prepare();
    } catch (const Interrupted&) {
      if (opens_) write_manifest(manifest_file(), opening_manifest(RunStatus::kInterrupted));
      throw;
    } catch (...) {
      if (opens_) fs::remove(manifest_file());
      throw;
    }
    if (!resumes_) discard_older_run();
  }

  void discard_older_run() {
    write_manifest(manifest_file(), opening_manifest(RunStatus::kRunning));
    discard_train_state(options_.out);
    discard_windows(options_.out);
    for (const char* file : {"metrics.jsonl", "eval.json"}) fs::remove(options_.out / file);
  }

  void save_result() {
    StagedFolder model(options_.out / "model", IfExists::kOverwrite, "", options_.note);
    objective_.save_result(options_.out, model.path());
    model.commit([](const fs::path&) { return true; });
  }

  /// What a resumed run had come to: the answer when there is nothing left to do.
  void recall_losses() {
    if (!resumes_) return;
    for (const MetricsLine& line : read_metrics(options_.out / "metrics.jsonl")) {
      last_loss_ = line.task_loss ? *line.task_loss : line.mlm_loss.value_or(line.loss);
      if (line.valid_loss) last_validation_ = line.valid_loss;
    }
  }

  nlohmann::json resolved() const {
    auto all = resolved_options(options_);
    all.update(objective_.resolved_options());
    return all;
  }

  AdamW starting_optimizer() {
    const auto state = resumes_ ? TrainState::open(options_.out) : std::nullopt;
    if (state) {
      progress_ = state->progress();
      saved_step_ = progress_.step;
      restore(progress_.objective);
    }
    AdamW optimizer(options_.adamw, objective_.parameters());
    if (state) state->restore(optimizer);
    return optimizer;
  }

  /// The model's shape first: what was dropped is gone before anything else is put back.
  void restore(const nlohmann::json& state) {
    if (auto* pruner = objective_.pruner(); pruner != nullptr && state.contains("pruning"))
      pruner->restore(state["pruning"]);
    objective_.restore(state);
  }

  bool ends_window() const {
    const auto* pruner = objective_.pruner();
    return pruner != nullptr && pruner->ends_window(progress_.step);
  }

  void train(AdamW& optimizer) {
    const LearningRateSchedule schedule{
        options_.learning_rate, std::llround(options_.warmup_share * static_cast<double>(options_.steps)),
        options_.steps, options_.decay, options_.final_learning_rate};
    const double seconds_before = progress_.seconds;
    Stopwatch session;
    window_ = LossWindow{};
    while (progress_.step < options_.steps) {
      step(optimizer, schedule.at(progress_.step + 1));
      progress_.seconds = seconds_before + session.seconds();
      const auto now = progress_.step;
      const bool last = now == options_.steps;
      const bool validate = last || now % options_.validate_every == 0;
      if (validate || ends_window() || now % options_.log_every == 0) log(schedule.at(now), validate);
      objective_.after_step();
      if (ends_window()) objective_.pruner()->end_window(options_.out, optimizer);
      const bool stop = interrupt_requested() && !last;
      if (last || stop || now % options_.save_every == 0) save(optimizer);
      if (stop)
        throw Interrupted(fmt::format("stopped after step {}; the state is in {}, go on with --resume", now,
                                      options_.out.string()));
    }
  }

  void step(AdamW& optimizer, double learning_rate) {
    const auto seed =
        counter_random(options_.seed, kDropoutStream, static_cast<std::uint64_t>(progress_.step));
    const train::ForwardOptions forward{
        .backend = options_.backend,
        .mode = train::Mode::kTraining,
        .seed = seed,
        .on_routing = [this](std::int64_t block, const train::Routing& routing) {
          window_.add_routing(block, routing);
        }};
    auto* pruner = objective_.pruner();
    const auto loss =
        objective_.loss(progress_.cursor, pruner != nullptr ? pruner->watched(forward) : forward);
    auto total = loss.task;
    if (loss.balance.defined()) total = total + options_.balance_weight * loss.balance;
    const double value = total.item<double>();
    if (!std::isfinite(value)) fail_at_step("loss", value);
    total.backward();
    const double norm = optimizer.step(learning_rate);
    if (!std::isfinite(norm)) fail_at_step("gradient norm", norm);
    ++progress_.step;
    progress_.tokens_seen += loss.tokens;
    const double balance = loss.balance.defined() ? loss.balance.item<double>() : 0.0;
    window_.add_step(loss.task.item<double>(), balance, norm, loss.tokens);
  }

  void save(AdamW& optimizer) {
    progress_.objective = objective_.state();
    if (const auto* pruner = objective_.pruner()) progress_.objective["pruning"] = pruner->state();
    save_train_state(options_.out, optimizer, progress_);
    saved_step_ = progress_.step;
  }

  [[noreturn]] void fail_at_step(std::string_view what, double value) const {
    throw UserError(
        fmt::format("{}: the {} of step {} is {}", options_.out.string(), what, progress_.step + 1, value),
        saved_step_ ? fmt::format("state.safetensors holds step {}: --resume goes on from it, with a smaller "
                                  "--learning-rate or --clip-norm",
                                  *saved_step_)
                    : "no state was saved yet: start again with a smaller --learning-rate or --clip-norm");
  }

  void log(double learning_rate, bool validate) {
    auto line = window_.line(options_.balance_weight);
    last_loss_ = window_.mean_task_loss();
    objective_.describe(line, last_loss_);
    if (const auto* pruner = objective_.pruner()) pruner->describe(line);
    line.step = progress_.step;
    line.lr = learning_rate;
    line.tokens = progress_.tokens_seen;
    line.seconds = progress_.seconds;
    if (validate) last_validation_ = line.valid_loss = objective_.validate(line);
    line.rss_bytes = resident_bytes();
    metrics_->append(line);
    if (options_.progress) {
      const auto detail = fmt::format("loss {:.3f}, {:.0f} tokens/s", line.loss, line.tokens_per_second);
      options_.progress({"training", static_cast<std::uint64_t>(progress_.step),
                         static_cast<std::uint64_t>(options_.steps), "steps", detail});
    }
    window_ = LossWindow{};
  }

  void write_status(RunStatus status, std::optional<std::string> message = {}) {
    RunManifest manifest = opening_manifest(status);
    manifest.message = std::move(message);
    manifest.options = resolved();
    manifest.parameters = static_cast<std::uint64_t>(objective_.parameter_count());
    manifest.timings_seconds["train"] = progress_.seconds;
    manifest.peak_rss_bytes = peak_resident_bytes();
    write_manifest(manifest_file(), manifest);
  }

  /// What is known before the data are.
  RunManifest opening_manifest(RunStatus status) {
    RunManifest manifest;
    manifest.verb = verb_;
    manifest.command = options_.command;
    manifest.status = status;
    if (started_at_.empty()) started_at_ = utc_now();
    manifest.started_at = started_at_;
    manifest.versions = library_versions();
    manifest.seed = options_.seed;
    manifest.machine = {cpu_name(), at::get_num_threads(), memory_bytes()};
    return manifest;
  }

  std::string verb_;
  std::optional<FolderLock> lock_;
  bool resumes_ = false, opens_ = false;  // opens: nobody has run here before
  Objective& objective_;
  const TrainingOptions& options_;
  std::optional<MetricsWriter> metrics_;
  TrainProgress progress_;
  std::optional<std::int64_t> saved_step_;
  LossWindow window_;
  double last_loss_ = 0.0;
  std::optional<double> last_validation_;
  std::string started_at_;
};

}  // namespace

TrainingSummary run_training(std::string_view verb, Objective& objective, const TrainingOptions& options) {
  return Run(verb, objective, options)();
}

}  // namespace espalier
