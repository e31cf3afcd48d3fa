#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/byte_source.h"
#include "base/error.h"
#include "base/pipe_record.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

std::string describe(int error_number) {
  return std::strerror(error_number);
}

}  // namespace

std::string read_file(const fs::path& file) {
  ByteSource source(file);
  std::string content;
  // A /proc file says size 0, so the size is only where to start.
  const std::uint64_t start = source.size().value_or(0) > 0 ? *source.size() + 1 : 65536;
  std::size_t size = 0;
  while (true) {
    if (content.size() == size) content.resize(size == 0 ? start : 2 * size);
    const std::size_t count = source.read(std::span(content).subspan(size));
    if (count == 0) break;
    size += count;
  }
  content.resize(size);
  return content;
}

InputFile::InputFile(fs::path file) : file_(std::move(file)), descriptor_(open_for_reading(file_)) {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw UserError(fmt::format("{}: is not a regular file", file_.string()), "copy it into a file first");
  }
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

InputFile::InputFile(InputFile&& other) noexcept
    : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw UserError(fmt::format("{}: cannot be read: {}", file_.string(), describe(errno)),
                      "check the file and its disk");
    if (count == 0)
      throw UserError(
          fmt::format("{}: ends at byte {}, {} more were expected", file_.string(), offset, bytes.size()),
          "the file was cut while it was read");
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

std::uint64_t InputFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0)
    throw UserError(fmt::format("{}: cannot be read: {}", file_.string(), describe(errno)),
                    "check the file and its disk");
  return static_cast<std::uint64_t>(status.st_size);
}

void write_file(const fs::path& file, std::string_view content) {
  AtomicFile output(file);
  output.reserve(content.size());
  output.write(content);
  output.commit();
}

void check_output_folder(const fs::path& folder, IfExists if_exists) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status)) {
    throw UserError(fmt::format("{}: is a file, expected a folder to write to", folder.string()),
                    "name another output folder");
  }
  fs::directory_iterator entries(folder, error);
  if (error)
    throw UserError(fmt::format("{}: cannot be read: {}", folder.string(), error.message()),
                    "check its permissions");
  if (if_exists == IfExists::kOverwrite) return;
  for (const auto& entry : entries) {
    if (is_left_over(entry.path())) continue;
    throw UserError(fmt::format("{}: the output folder exists and is not empty", folder.string()),
                    "name another folder, or pass --overwrite");
  }
}

void create_output_folder(const fs::path& folder, IfExists if_exists) {
  check_output_folder(folder, if_exists);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw UserError(fmt::format("{}: cannot be created: {}", folder.string(), error.message()),
                    "check the path, and that the folder above it may be written to");
}

}  // namespace espalier
