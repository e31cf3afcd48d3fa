#pragma once

#include <filesystem>

#include "base/progress.h"
#include "surgery/layout.h"

/// A layout becomes files in a folder that is not complete yet (base/staged_folder.h).
namespace espalier {

/// Of what a killed run left, finished shards are of use; all else is written anew.
void keep_shards_only(const Layout& layout, const std::filesystem::path& folder);

/// Writes the shards that are not there yet; how many were. Throws UserError for a full disk, before the
/// work, and Interrupted after Ctrl-C, with finished shards kept.
std::size_t write_shards(const Layout& layout, const std::filesystem::path& folder,
                         const ProgressSink& progress);

/// Shards that are there.
std::size_t shards_in(const Layout& layout, const std::filesystem::path& folder);

/// Copies a file, past this process's memory.
void carry_over(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace espalier
