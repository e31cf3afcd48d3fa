#include "base/pipe_record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>

#include "base/byte_source.h"
#include "base/error.h"
#include "base/links.h"
#include "base/waiting.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// N of /dev/fd/N, and 0 of /dev/stdin.
std::optional<int> named_descriptor(const fs::path& file) {
  if (file == "/dev/stdin") return STDIN_FILENO;
  if (file.parent_path() != "/dev/fd" && file.parent_path() != "/proc/self/fd") return std::nullopt;
  const std::string name = file.filename().string();
  int number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

}  // namespace

int open_for_reading(const fs::path& file) {
  // A FIFO that nobody writes to yet is waited for when its bytes are asked for: that wait can be stopped.
  int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const int error = errno;
  if (descriptor >= 0) ::fcntl(descriptor, F_SETFL, 0);
  if (descriptor < 0 && (error == ENXIO || error == EACCES)) {
    if (const auto number = named_descriptor(file)) descriptor = ::fcntl(*number, F_DUPFD_CLOEXEC, 0);
  }
  if (descriptor >= 0) return descriptor;
  if (error == ENOENT) refuse_dangling(file);
  if (error == ENOENT) throw UserError(fmt::format("{}: no such file", file.string()), "check the path");
  throw UserError(fmt::format("{}: cannot be opened: {}", file.string(), std::strerror(error)),
                  "check the path and its permissions");
}

void wait_for_bytes(int descriptor, const fs::path& file) {
  Wait(fmt::format("bytes from {}", file.string())).until(descriptor, POLLIN);
}

std::size_t read_descriptor(int descriptor, std::span<char> into, const fs::path& file) {
  for (;;) {
    const ssize_t count = ::read(descriptor, into.data(), into.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR)
      throw UserError(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)),
                      "check the file and its disk");
  }
}

std::shared_ptr<PipeRecord> PipeRecord::of(const fs::path& file, const struct stat& status) {
  static std::mutex mutex;
  static std::map<std::pair<dev_t, ino_t>, std::shared_ptr<PipeRecord>> records;
  const std::pair key(status.st_dev, status.st_ino);
  const std::lock_guard lock(mutex);
  auto& record = records[key];
  if (!record) record = std::make_shared<PipeRecord>(open_for_reading(file));
  return record;
}

std::size_t PipeRecord::read(std::uint64_t position, std::span<char> into, const fs::path& file) {
  const std::lock_guard lock(mutex_);
  if (position < taken_) {
    if (kept_.empty())
      throw UserError(fmt::format("{}: a pipe gives its bytes once; more than {} MB of them were read before",
                                  file.string(), kKeptPipeBytes >> 20),
                      "write them to a file, and name the file");
    const std::size_t count = std::min<std::uint64_t>(into.size(), kept_.size() - position);
    std::memcpy(into.data(), kept_.data() + position, count);
    return count;
  }
  if (ended_) return 0;
  wait_for_bytes(descriptor_, file);
  const std::size_t count = read_descriptor(descriptor_, into, file);
  ended_ = count == 0;
  const bool is_kept = kept_.size() == taken_ && taken_ + count <= kKeptPipeBytes;
  taken_ += count;
  if (is_kept) {
    kept_.append(into.data(), count);
  } else {
    std::string().swap(kept_);
  }
  return count;
}

}  // namespace espalier
