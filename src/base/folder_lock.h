#pragma once

#include <filesystem>

namespace espalier {

enum class LockHolders {
  kProcess,     ///< the lock ends with this process
  kDescendants  ///< it lasts until the last child ends too: one that outlives this process still writes
};

/// Holds a folder against other processes. However its holders end, the system drops the lock. File systems
/// without locks let everybody pass.
class FolderLock {
 public:
  /// Throws UserError when the folder cannot be opened.
  FolderLock(const std::filesystem::path& folder, LockHolders holders);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

  /// False while somebody else holds it.
  bool try_lock();
  /// Whether `folder` names what is held.
  bool is_of(const std::filesystem::path& folder) const;

 private:
  int descriptor_;
};

/// The lock of a folder that only one process writes to. Throws UserError while another one does.
FolderLock lock_for_writing(const std::filesystem::path& folder);

}  // namespace espalier
