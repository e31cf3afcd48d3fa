#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/progress.h"
#include "surgery/layout.h"
#include "surgery/surgery.h"

namespace espalier {

struct ApplyOptions {
  std::filesystem::path model;  ///< checkpoint folder; only read
  std::filesystem::path plan;
  std::filesystem::path out;
  std::optional<std::filesystem::path> scores;  ///< kept with the result; the model card quotes them
  SurgeryOptions surgery;
  std::uint64_t shard_bytes = 0;  ///< largest output file; 0: as the input's largest
  IfExists if_exists = IfExists::kFail;
  std::vector<std::string> command;  ///< as typed, for the record
};

/// What a surgery does to a model, in figures.
struct ApplySummary {
  std::string model_type;
  std::vector<std::int64_t> layers, experts_before, experts_after;  ///< of each MoE layer that stays
  std::int64_t parameters_before = 0, parameters_after = 0;
  std::int64_t parameters_per_token_before = 0, parameters_per_token_after = 0;
  std::uint64_t file_bytes_before = 0, file_bytes_after = 0;  ///< of safetensors files
  std::vector<std::pair<std::string, std::uint64_t>> files;   ///< safetensors files and their bytes
  std::size_t files_found = 0;                                ///< of these, written by a run that was stopped
  std::vector<std::string> notes;
};

/// Everything that `apply` decides before it writes.
struct PreparedSurgery {
  Checkpoint checkpoint;
  Plan plan;
  Surgery surgery;
  Layout layout;
  ApplySummary summary;
};

/// Reads headers only. Throws UserError where the plan does not fit (`fit_plan`).
PreparedSurgery prepare_surgery(const std::filesystem::path& model, const std::filesystem::path& plan,
                                const SurgeryOptions& options, std::uint64_t shard_bytes);

/// Writes the pruned model into `options.out`: shards, index, config.json, every other file of the model,
/// provenance in `espalier/`, and README.md. Everything is written into OUT.partial beside it, which takes
/// OUT's place when complete; called again after a crash or Ctrl-C (Interrupted), finished shards are kept,
/// and a result that is complete stays as it is.
///
/// Throws UserError for an output folder that is not empty (unless kOverwrite: then the new model takes the
/// place of the old one), that is, holds or lies in the model's folder, a plan that does not fit, a full
/// disk.
ApplySummary apply_to_files(const ApplyOptions& options, const ProgressSink& progress, const NoteSink& note);

}  // namespace espalier
