#pragma once

#include <filesystem>
#include <functional>

#include "surgery/layout.h"
#include "surgery/pieces.h"

namespace espalier {

/// Called with the bytes written since the last call; may throw to stop the work.
using BytesWritten = std::function<void(std::uint64_t)>;

/// Writes one file of a layout, atomically; holds some tens of megabytes in memory. Reading, computing and
/// writing overlap, and copied bytes go past the page cache. Throws UserError (full disk: before the work,
/// where the file system can reserve space).
void write_shard(const OutputShard& shard, const Inputs& inputs, const std::filesystem::path& file,
                 const BytesWritten& written);

/// Whether `file` is this shard, complete: its size and its header. Shards appear under their names only when
/// all of their bytes are on the disk.
bool is_written(const OutputShard& shard, const std::filesystem::path& file);

}  // namespace espalier
