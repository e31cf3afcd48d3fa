#include "base/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/input_watch.h"

namespace espalier {

FolderLock::FolderLock(const std::filesystem::path& folder, LockHolders holders)
    : descriptor_(::open(folder.c_str(),
                         O_RDONLY | O_DIRECTORY | (holders == LockHolders::kProcess ? O_CLOEXEC : 0))) {
  if (descriptor_ < 0)
    throw UserError(fmt::format("{}: cannot be opened: {}", folder.string(), std::strerror(errno)),
                    "check its permissions");
}

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool FolderLock::try_lock() {
  return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR);
}

bool FolderLock::is_of(const std::filesystem::path& folder) const {
  const FileStamp held = stamp_of(descriptor_), named = stamp_of(folder);
  return held.device == named.device && held.inode == named.inode;
}

FolderLock lock_for_writing(const std::filesystem::path& folder) {
  FolderLock lock(folder, LockHolders::kProcess);
  if (!lock.try_lock() || !lock.is_of(folder))  // else it was renamed between opening and locking it
    throw UserError(fmt::format("{}: another process is writing there", folder.string()),
                    "wait for it, or name another output");
  return lock;
}

}  // namespace espalier
