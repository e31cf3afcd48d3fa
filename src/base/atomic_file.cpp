#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include "base/disk_blocks.h"
#include "base/error.h"
#include "base/files.h"
#include "base/input_watch.h"
#include "base/output_path.h"
#include "base/waiting.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::size_t kWritebackBytes = 32 << 20;  // long enough for a disk to write in one go
constexpr std::size_t kCopyBytes = 4 << 20;

fs::path folder_of(const fs::path& file) {
  const fs::path folder = file.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

/// A long name is cut: with what is added to it, it would be too long for the file system.
std::string temporary_prefix(const fs::path& file) {
  constexpr std::size_t kMostBytes = 200;
  return fmt::format(".{}.", file.filename().string().substr(0, kMostBytes));
}

/// `.NAME.PID-COUNT.tmp`, so that two writers never share one. The writer holds a lock on it: one that nobody
/// holds is left over.
fs::path temporary_name(const fs::path& file) {
  static std::atomic<unsigned> count = 0;
  return folder_of(file) /
         fmt::format("{}{}-{}{}", temporary_prefix(file), ::getpid(), count++, kTemporarySuffix);
}

void remove_left_overs(const fs::path& file) {
  const std::string prefix = temporary_prefix(file);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_of(file), error)) {
    if (entry.path().filename().string().starts_with(prefix) && is_left_over(entry.path()))
      fs::remove(entry.path(), error);
  }
}

/// As `temporary_name` makes them: it ends in ".DIGITS-DIGITS.tmp".
bool has_temporary_name(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(kTemporarySuffix)) return false;
  name.remove_suffix(kTemporarySuffix.size());
  const std::string_view number = name.substr(name.rfind('.') + 1);
  const auto dash = number.find('-');
  return dash != 0 && dash != std::string_view::npos && dash + 1 < number.size() &&
         number.find_first_not_of("0123456789") == dash &&
         number.find_first_not_of("0123456789", dash + 1) == std::string_view::npos;
}

bool has_no_room(int error_number) {
  return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
}

/// Waits for room first, and writes no more than then fits: Ctrl-C ends a wait for a reader that stands
/// still.
ssize_t write_as_it_is(int descriptor, std::span<const std::byte> bytes, const fs::path& file) {
  Wait(fmt::format("the reader of {}", file.string())).until(descriptor, POLLOUT);
  return ::write(descriptor, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
}

bool is_blocks(std::span<const std::byte> bytes) {
  return bytes.size() % kDiskBlockBytes == 0 &&
         reinterpret_cast<std::uintptr_t>(bytes.data()) % kDiskBlockBytes == 0;
}

}  // namespace

bool is_left_over(const fs::path& file) {
  const std::string name = file.filename().string();
  if (!has_temporary_name(name)) return false;
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool left = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;  // its writer would hold it
  ::close(descriptor);
  return left;
}

AtomicFile::AtomicFile(fs::path file)
    : file_(follow_links(std::move(file))), descriptor_(open_as_it_is(file_)), as_it_is_(descriptor_ >= 0) {
  if (!as_it_is_) open_temporary();
}

void AtomicFile::open_temporary() {
  temporary_ = temporary_name(file_);
  remove_left_overs(file_);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ < 0 && errno == EEXIST) {  // left by a process whose number is now ours
    ::unlink(temporary_.c_str());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  }
  if (descriptor_ < 0) {
    throw UserError(fmt::format("{}: cannot be created: {}", file_.string(), std::strerror(errno)),
                    "check that the folder exists and may be written to");
  }
  ::flock(descriptor_, LOCK_EX | LOCK_NB);  // ends with this process, however it ends
  if (fs::is_directory(file_)) {
    discard();
    throw UserError(fmt::format("{}: is a folder, expected a file to write", file_.string()), "name a file");
  }
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::reserve(std::uint64_t bytes) {
  if (bytes == 0 || as_it_is_) return;
  reserved_bytes_ = bytes;
  // Not posix_fallocate: where the file system has no such call, it would write every block twice.
  if (::fallocate(descriptor_, 0, 0, static_cast<off_t>(bytes)) == 0) return;
  if (has_no_room(errno)) fail("written", errno, bytes);
}

void AtomicFile::bypass_cache() noexcept {
  past_cache_ = !as_it_is_ && ::fcntl(descriptor_, F_SETFL, O_DIRECT) == 0;
}

void AtomicFile::use_cache() noexcept {
  ::fcntl(descriptor_, F_SETFL, 0);
  past_cache_ = false;
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (past_cache_ && !is_blocks(bytes)) use_cache();
    const ssize_t count = as_it_is_ ? write_as_it_is(descriptor_, bytes, file_)
                                    : ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EINVAL && past_cache_) {  // this file system wants larger blocks
      use_cache();
      continue;
    }
    if (count < 0)
      fail("written", errno, std::max<std::uint64_t>(reserved_bytes_, written_bytes_ + bytes.size()));
    written_bytes_ += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  if (!past_cache_ && !as_it_is_) start_writeback();
}

void AtomicFile::append(const InputFile& source, std::uint64_t offset, std::uint64_t bytes) {
  while (bytes > 0) {
    auto from = static_cast<off_t>(offset);
    const std::size_t piece = std::min<std::uint64_t>(bytes, kWritebackBytes);
    const ssize_t count = ::copy_file_range(source.descriptor(), &from, descriptor_, nullptr, piece, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && has_no_room(errno))
      fail("written", errno, std::max(reserved_bytes_, written_bytes_ + bytes));
    if (count <= 0) break;  // not between these file systems, or the end of the file: the plain way will tell
    written_bytes_ += static_cast<std::uint64_t>(count);
    offset += static_cast<std::uint64_t>(count);
    bytes -= static_cast<std::uint64_t>(count);
    start_writeback();
  }
  std::vector<std::byte> buffer(std::min<std::uint64_t>(bytes, kCopyBytes));
  while (bytes > 0) {
    const std::span<std::byte> piece = std::span(buffer).first(std::min<std::uint64_t>(bytes, buffer.size()));
    source.read(offset, piece);
    write(piece);
    offset += piece.size();
    bytes -= piece.size();
  }
}

/// Else a large file lies in memory until `commit`, and the disk idles until then.
void AtomicFile::start_writeback() noexcept {
  if (written_bytes_ - started_bytes_ < kWritebackBytes) return;
  ::sync_file_range(descriptor_, static_cast<off_t>(started_bytes_),
                    static_cast<off_t>(written_bytes_ - started_bytes_), SYNC_FILE_RANGE_WRITE);
  started_bytes_ = written_bytes_;
}

void AtomicFile::commit() {
  expect_inputs_unchanged();
  if (as_it_is_) {
    if (::close(std::exchange(descriptor_, -1)) != 0) fail("closed", errno, written_bytes_);
    return;
  }
  if (reserved_bytes_ > written_bytes_ && ::ftruncate(descriptor_, static_cast<off_t>(written_bytes_)) != 0) {
    fail("cut to size", errno, written_bytes_);
  }
  if (::fsync(descriptor_) != 0) fail("synced to disk", errno, written_bytes_);
  const int closed = ::close(std::exchange(descriptor_, -1));
  if (closed != 0) fail("closed", errno, written_bytes_);
  if (::rename(temporary_.c_str(), file_.c_str()) != 0) fail("renamed into place", errno, written_bytes_);
  temporary_.clear();
  // The rename itself is durable only once the folder is. Some file systems cannot sync folders: best effort.
  const int folder = ::open(folder_of(file_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void AtomicFile::fail(std::string_view action, int error_number, std::uint64_t bytes_needed) {
  discard();  // first, so that the figure below is what a second attempt would find
  if (error_number == EFBIG)
    throw UserError(
        fmt::format("{}: {} bytes are more than a file may have here", file_.string(), bytes_needed),
        "`ulimit -f` shows the limit, in blocks of 1024 bytes");
  if (!has_no_room(error_number)) {
    throw UserError(fmt::format("{}: cannot be {}: {}", file_.string(), action, std::strerror(error_number)),
                    "check the disk and that the folder may be written to");
  }
  std::error_code error;
  const fs::space_info space = fs::space(folder_of(file_), error);
  throw UserError(fmt::format("{}: the disk is full: {} bytes needed, {} free ({})", file_.string(),
                              bytes_needed, error ? std::string("unknown") : fmt::to_string(space.available),
                              std::strerror(error_number)),
                  "free some space, or write to another disk");
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

}  // namespace espalier
