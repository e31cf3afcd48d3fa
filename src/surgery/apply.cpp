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
#include "surgery/write_shard.h"

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

void expect_space(const fs::path& folder, std::uint64_t bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || space.available >= bytes) return;
  throw UserError(
      fmt::format("{}: the disk is full: {} bytes needed, {} free", folder.string(), bytes, space.available),
      "free some space, or write to another disk");
}

/// Writes the shards that are not there yet; how many were.
std::size_t write_shards(const Layout& layout, const fs::path& folder, const ProgressSink& progress) {
  std::vector<const OutputShard*> missing;
  std::uint64_t total = 0, done = 0;
  for (const OutputShard& shard : layout.shards) {
    if (is_written(shard, folder / shard.file)) continue;
    missing.push_back(&shard);
    total += shard.bytes();
  }
  expect_space(folder, total);
  const Inputs inputs = open_inputs(layout);
  const BytesWritten written = [&](std::uint64_t bytes) {
    done += bytes;
    if (progress) progress({"writing", done, total, "bytes"});
    if (interrupt_requested() && done < total)
      throw Interrupted(fmt::format("stopped after {} of {} bytes; the same command goes on", done, total));
  };
  for (const OutputShard* shard : missing) write_shard(*shard, inputs, folder / shard->file, written);
  return layout.shards.size() - missing.size();
}

std::size_t shards_in(const Layout& layout, const fs::path& folder) {
  std::error_code ignored;
  return static_cast<std::size_t>(std::ranges::count_if(
      layout.shards, [&](const OutputShard& shard) { return fs::exists(folder / shard.file, ignored); }));
}

/// Of what a killed run left, finished shards are of use; all else is written anew.
void keep_shards_only(const Layout& layout, const fs::path& folder) {
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path name = entry.path().filename();
    const bool is_shard =
        std::ranges::any_of(layout.shards, [&](const OutputShard& shard) { return name == shard.file; });
    if (!is_shard && name != kStageRecordFile) others.push_back(entry.path());
  }
  for (const fs::path& other : others) fs::remove_all(other);
}

void carry_over(const fs::path& from, const fs::path& to) {
  const InputFile input(from);
  fs::create_directories(to.parent_path());
  AtomicFile output(to);
  const std::uint64_t bytes = input.size();
  output.reserve(bytes);
  output.append(input, 0, bytes);
  output.commit();
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
