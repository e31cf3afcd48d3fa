#include "surgery/write_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/stage_record.h"
#include "surgery/write_shard.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

void expect_space(const fs::path& folder, std::uint64_t bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || space.available >= bytes) return;
  throw UserError(
      fmt::format("{}: the disk is full: {} bytes needed, {} free", folder.string(), bytes, space.available),
      "free some space, or write to another disk");
}

}  // namespace

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

}  // namespace espalier
