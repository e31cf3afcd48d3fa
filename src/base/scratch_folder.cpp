#include "base/scratch_folder.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "espalier-scratch-";

/// `espalier-scratch-PID-XXXXXX`: of a process that is gone, and whose lock nobody holds.
bool is_abandoned(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return false;
  pid_t process = 0;
  const char* begin = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), process);
  if (error != std::errc{} || end == name.data() + name.size() || *end != '-' || process <= 0) return false;
  if (::kill(process, 0) == 0 || errno != ESRCH) return false;
  return FolderLock(folder, LockHolders::kProcess).try_lock();
}

void remove_abandoned(const fs::path& where) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(where, error)) {
    try {
      if (entry.is_directory(error) && !entry.is_symlink(error) && is_abandoned(entry.path()))
        fs::remove_all(entry.path(), error);
    } catch (const UserError&) {  // another user's, or just gone
    }
  }
}

}  // namespace

ScratchFolder::ScratchFolder() {
  const fs::path where = fs::temp_directory_path();
  remove_abandoned(where);
  std::string pattern = (where / fmt::format("{}{}-XXXXXX", kPrefix, ::getpid())).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw UserError(fmt::format("{}: cannot be created: {}", pattern, std::strerror(errno)),
                    "TMPDIR in the environment names the folder for temporary files");
  }
  path_ = pattern;
  lock_.emplace(path_, LockHolders::kProcess).try_lock();
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace espalier
