#include "base/disk_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "temporary_folder.h"

namespace espalier {
namespace {

std::string numbered_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i * 31 + i / 4096);
  return bytes;
}

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(UncachedReader, ReadsAnyRangeOfAFile) {
  const TemporaryFolder folder;
  const std::string content = numbered_bytes(3 * kDiskBlockBytes + 1234);
  const InputFile file(folder.write("data", content));
  UncachedReader reader(file);
  const DiskBuffer buffer(content.size() + 2 * kDiskBlockBytes);
  for (const std::size_t begin : {0UL, 1UL, 4095UL, 4096UL, 5000UL, content.size() - 1}) {
    for (const std::size_t count : {1UL, 4096UL, 4097UL, 9000UL, content.size()}) {
      if (begin + count > content.size()) continue;
      EXPECT_EQ(text(reader.read(begin, count, buffer)), std::string_view(content).substr(begin, count))
          << begin << ' ' << count;
    }
  }
  EXPECT_THROW(reader.read(content.size() - 1, 2, buffer), UserError);
}

TEST(AtomicFile, PastTheCacheWritesTheSameBytes) {
  const TemporaryFolder folder;
  const std::string content = numbered_bytes(2 * kDiskBlockBytes + 77);
  const DiskBuffer buffer(content.size());
  std::copy_n(reinterpret_cast<const std::byte*>(content.data()), content.size(), buffer.bytes().data());
  AtomicFile file(folder / "out");
  file.reserve(content.size());
  file.bypass_cache();
  file.write(buffer.bytes().first(kDiskBlockBytes));        // whole blocks, aligned
  file.write(buffer.bytes().subspan(kDiskBlockBytes, 10));  // not: through the cache from here on
  file.write(std::string_view(content).substr(kDiskBlockBytes + 10));
  file.commit();
  EXPECT_EQ(read_file(folder / "out"), content);
}

}  // namespace
}  // namespace espalier
