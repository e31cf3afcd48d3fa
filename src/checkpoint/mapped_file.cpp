#include "checkpoint/mapped_file.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/byte_source.h"
#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

std::span<const std::byte> map(int descriptor, std::size_t size, int flags, int protection,
                               const std::filesystem::path& file) {
  if (size == 0) return {};  // mmap refuses length 0
  void* address = ::mmap(nullptr, size, protection, flags, descriptor, 0);
  if (address == MAP_FAILED) {
    throw UserError(
        fmt::format("{}: cannot be mapped ({} bytes): {}", file.string(), size, std::strerror(errno)),
        "close other programs, or raise the limit (`ulimit -v`)");
  }
  return {static_cast<const std::byte*>(address), size};
}

/// What is no regular file cannot be mapped: its bytes are read into memory.
std::span<const std::byte> read_whole(const std::filesystem::path& file) {
  const std::string content = read_file(file);
  const auto bytes = map(-1, content.size(), MAP_PRIVATE | MAP_ANONYMOUS, PROT_READ | PROT_WRITE, file);
  if (!content.empty()) std::memcpy(const_cast<std::byte*>(bytes.data()), content.data(), content.size());
  return bytes;
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& file) {
  if (is_pipe(file)) {
    bytes_ = read_whole(file);
    return;
  }
  const InputFile input(file);
  bytes_ = map(input.descriptor(), input.size(), MAP_PRIVATE, PROT_READ, file);  // outlives the descriptor
  stamp_ = stamp_of(input.descriptor());
  range_ = MappedRange(file, bytes_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})), stamp_(other.stamp_), range_(std::move(other.range_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(stamp_, other.stamp_);
  std::swap(range_, other.range_);
  return *this;
}

MappedFile::~MappedFile() {
  range_ = MappedRange();  // before another mapping can have its place
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace espalier
