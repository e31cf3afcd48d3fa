#include "checkpoint/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace espalier {
namespace {

std::span<const std::byte> map(int descriptor, const std::filesystem::path& file) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    throw UserError(fmt::format("{}: is not a regular file", file.string()));
  }
  if (status.st_size == 0) return {};  // mmap refuses length 0
  const auto size = static_cast<std::size_t>(status.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED) {
    throw UserError(
        fmt::format("{}: cannot be mapped ({} bytes): {}", file.string(), size, std::strerror(errno)));
  }
  return {static_cast<const std::byte*>(address), size};
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) throw UserError(fmt::format("{}: no such file", file.string()), "check the path");
    throw UserError(fmt::format("{}: cannot be opened: {}", file.string(), std::strerror(errno)));
  }
  try {
    bytes_ = map(descriptor, file);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);  // the mapping keeps the file
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace espalier
