#pragma once

#include <filesystem>
#include <string_view>

#include "base/files.h"
#include "base/folder_lock.h"
#include "base/progress.h"

namespace espalier {

/// A folder that is being written as OUT.partial and becomes OUT when complete.
///
/// Throws UserError for an output folder that is a file, that exists and is not empty (unless kOverwrite), or
/// that is, holds or lies in `input`.
void check_output(const std::filesystem::path& out, const std::filesystem::path& input, IfExists if_exists);

/// OUT.partial, ours alone.
struct PartialFolder {
  std::filesystem::path path;
  FolderLock lock;
};

/// Opens OUT.partial. What a stopped run of the same work (`fingerprint`) left is kept; what other work left
/// is removed. Throws UserError for a folder of that name that is not ours, or that another process is
/// writing to.
PartialFolder open_partial(const std::filesystem::path& out, std::string_view fingerprint,
                           const NoteSink& note);

/// Renames. Into a folder that is not empty, files are moved one by one, config.json last and the old one
/// removed first, so that a crash in between leaves nothing that looks complete; safetensors files of the old
/// model go.
void finish_partial(const std::filesystem::path& partial, const std::filesystem::path& out);

}  // namespace espalier
