#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

enum class RunStatus {
  kRunning,  ///< or killed: nobody was left to write otherwise
  kFinished,
  kInterrupted,  ///< Ctrl-C; the state was saved
  kFailed,       ///< an error; `message` says which
};

/// "running", "finished", "interrupted", "failed".
std::string_view status_name(RunStatus status);

/// The machine a run ran on.
struct RunMachine {
  std::string cpu;
  int threads = 0;  ///< used by the run
  std::uint64_t memory_bytes = 0;
};

/// `manifest.json`: all that is needed to repeat a run, and what it cost.
struct RunManifest {
  std::string verb;                  ///< "pretrain", "finetune"
  std::vector<std::string> command;  ///< as typed
  RunStatus status = RunStatus::kRunning;
  std::optional<std::string> message;                 ///< why it failed
  std::string started_at;                             ///< UTC, "2025-01-31T23:59:59Z"
  nlohmann::json options = nlohmann::json::object();  ///< every option, resolved; defaults included
  std::map<std::string, std::string> versions;        ///< "espalier", "torch", "onednn"
  std::uint64_t seed = 0;
  RunMachine machine;
  std::optional<std::uint64_t> parameters;         ///< of the model, in all
  std::optional<std::uint64_t> active_parameters;  ///< used for one token
  std::map<std::string, double> timings_seconds;   ///< part of the run -> seconds, e.g. "train", "validate"
  std::uint64_t peak_rss_bytes = 0;
};

/// Atomic. Throws UserError (full disk, no permission).
void write_manifest(const std::filesystem::path& file, const RunManifest& manifest);
/// Strict: unknown keys and wrong types are a UserError that names the file and the key.
RunManifest read_manifest(const std::filesystem::path& file);

std::string manifest_to_json(const RunManifest& manifest);
RunManifest manifest_from_json(std::string_view json, std::string_view where);

/// Now, as `started_at` wants it.
std::string utc_now();

}  // namespace espalier
