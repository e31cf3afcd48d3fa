#pragma once

#include <filesystem>
#include <optional>

#include "base/folder_lock.h"

namespace espalier {

/// A new folder among the system's temporary files, removed at the end; those of processes that were killed
/// are removed when the next one is made.
class ScratchFolder {
 public:
  ScratchFolder();  ///< throws UserError where none can be made
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::optional<FolderLock> lock_;  // ends with this process, however it ends
};

}  // namespace espalier
