#include "surgery/apply.h"

#include <fmt/format.h>

#include <algorithm>

#include "artifacts/scores.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/stage_record.h"
#include "surgery/output_folder.h"
#include "surgery/result_files.h"
#include "surgery/write_layout.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// All that the result follows from, beside the model.
std::string recipe(const PreparedSurgery& prepared, const ApplyOptions& options) {
  std::string text = read_file(options.plan) + apply_record(prepared, options);
  if (options.scores) text += read_file(*options.scores);
  for (const OutputShard& shard : prepared.layout.shards)
    text += fmt::format("{} {}\n", shard.file, sha256(shard.header));
  return text;
}

void write_other_files(const PreparedSurgery& prepared, const ApplyOptions& options, const fs::path& folder,
                       const NoteSink& note) {
  const CarriedFiles carried = carried_files(prepared.checkpoint.folder());
  const auto written = result_files(prepared, options);
  for (const fs::path& file : carried.files) {
    if (!written.contains(file)) carry_over(prepared.checkpoint.folder() / file, folder / file);
  }
  for (const fs::path& file : carried.left_out)
    if (note) note(fmt::format("{}: left out, weights of the model before", file.string()));
  for (const std::string& lost : carried.lost)
    if (note) note(fmt::format("{}: not taken over", lost));
  for (const auto& [file, content] : written) {
    fs::create_directories((folder / file).parent_path());
    write_file(folder / file, content);
  }
}

}  // namespace

ApplySummary apply_to_files(const ApplyOptions& options, const ProgressSink& progress, const NoteSink& note) {
  PreparedSurgery prepared =
      prepare_surgery(options.model, options.plan, options.surgery, options.shard_bytes);
  if (options.scores) read_scores(*options.scores);  // whether it can be read: before the work
  StagedFolder folder =
      stage_model(options.out, options.if_exists, prepared.checkpoint, recipe(prepared, options), note);
  if (folder.is_done()) {
    if (note) note(fmt::format("{}: is complete, of the same command", options.out.string()));
    prepared.summary.files_found = prepared.layout.shards.size();
    return std::move(prepared.summary);
  }
  try {
    keep_shards_only(prepared.layout, folder.path());
    prepared.summary.files_found = write_shards(prepared.layout, folder.path(), progress);
    write_other_files(prepared, options, folder.path(), note);
    commit_model(folder);
  } catch (...) {
    // What was stopped leaves its folder behind only for what the next run can use.
    if (shards_in(prepared.layout, folder.path()) == 0) folder.discard();
    throw;
  }
  return std::move(prepared.summary);
}

}  // namespace espalier
