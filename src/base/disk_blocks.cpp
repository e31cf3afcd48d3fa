#include "base/disk_blocks.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace espalier {
namespace {

constexpr std::size_t rounded_up(std::size_t bytes) {
  return (bytes + kDiskBlockBytes - 1) / kDiskBlockBytes * kDiskBlockBytes;
}

}  // namespace

DiskBuffer::DiskBuffer(std::size_t bytes)
    : size_(rounded_up(bytes)),
      memory_(static_cast<std::byte*>(std::aligned_alloc(kDiskBlockBytes, rounded_up(bytes)))) {
  if (!memory_) throw std::bad_alloc();
}

UncachedReader::UncachedReader(const InputFile& file)
    : file_(file), descriptor_(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT)) {}

UncachedReader::UncachedReader(UncachedReader&& other) noexcept
    : file_(other.file_), descriptor_(std::exchange(other.descriptor_, -1)) {}

UncachedReader::~UncachedReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::span<const std::byte> UncachedReader::read(std::uint64_t offset, std::size_t count,
                                                const DiskBuffer& buffer) {
  const std::size_t skip = offset % kDiskBlockBytes;
  const auto blocks = buffer.bytes().first(rounded_up(skip + count));
  if (descriptor_ < 0 || !read_blocks(offset - skip, blocks, skip + count))
    file_.read(offset, blocks.subspan(skip, count));
  return blocks.subspan(skip, count);
}

/// Whether at least `needed` of the bytes were read; the last block of a file is a short one.
bool UncachedReader::read_blocks(std::uint64_t begin, std::span<std::byte> bytes, std::size_t needed) {
  for (std::size_t done = 0; done < needed;) {
    const ssize_t count =
        ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(begin + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;  // the plain way will tell what is wrong
    done += static_cast<std::size_t>(count);
    if (done < needed && done % kDiskBlockBytes != 0) return false;
  }
  return true;
}

}  // namespace espalier
