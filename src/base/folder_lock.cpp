#include "base/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace espalier {

FolderLock::FolderLock(const std::filesystem::path& folder, LockHolders holders)
    : descriptor_(::open(folder.c_str(),
                         O_RDONLY | O_DIRECTORY | (holders == LockHolders::kProcess ? O_CLOEXEC : 0))) {
  if (descriptor_ < 0)
    throw UserError(fmt::format("{}: cannot be opened: {}", folder.string(), std::strerror(errno)));
}

FolderLock::FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool FolderLock::try_lock() {
  return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace espalier
