#pragma once

#include <filesystem>

namespace espalier {

/// A new folder among the system's temporary files, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder();  ///< throws UserError where none can be made
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace espalier
