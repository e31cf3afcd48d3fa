#include "base/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "base/pipe_record.h"

namespace espalier {

namespace fs = std::filesystem;

bool is_pipe(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

ByteSource::ByteSource(fs::path file) : file_(std::move(file)) {
  struct stat status {};
  const bool found = ::stat(file_.c_str(), &status) == 0;
  if (found && S_ISDIR(status.st_mode))
    throw UserError(fmt::format("{}: is a folder, expected a file", file_.string()), "name a file");
  if (found && !S_ISREG(status.st_mode)) {
    pipe_ = PipeRecord::of(file_, status);
    return;
  }
  descriptor_ = open_for_reading(file_);
  if (::fstat(descriptor_, &status) == 0) size_ = static_cast<std::uint64_t>(status.st_size);
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

ByteSource::~ByteSource() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t ByteSource::read_some(std::span<char> into) {
  const std::size_t count =
      pipe_ ? pipe_->read(position_, into, file_) : read_descriptor(descriptor_, into, file_);
  position_ += count;
  return count;
}

std::size_t ByteSource::read(std::span<char> into) {
  std::size_t count = std::min(peeked_.size(), into.size());
  if (count > 0) {
    std::memcpy(into.data(), peeked_.data(), count);
    peeked_.erase(0, count);
  } else if (!into.empty()) {
    count = read_some(into);
  }
  bytes_read_ += count;
  return count;
}

std::string_view ByteSource::peek(std::size_t bytes) {
  std::array<char, 4096> buffer;
  while (peeked_.size() < bytes) {
    const std::size_t wanted = std::min(buffer.size(), bytes - peeked_.size());
    const std::size_t count = read_some(std::span(buffer).first(wanted));
    if (count == 0) break;
    peeked_.append(buffer.data(), count);
  }
  return std::string_view(peeked_).substr(0, bytes);
}

std::string content_sha256(const fs::path& file, const std::function<void(std::size_t bytes)>& taken) {
  ByteSource source(file);
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (const std::size_t bytes = source.read(buffer)) {
    hash.update(std::as_bytes(std::span(buffer).first(bytes)));
    if (taken) taken(bytes);
  }
  return hash.hex();
}

}  // namespace espalier
