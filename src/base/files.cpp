#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

std::string describe(int error_number) {
  return std::strerror(error_number);
}

}  // namespace

std::string read_file(const fs::path& file) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) {
    if (errno == ENOENT) throw UserError(fmt::format("{}: no such file", file.string()), "check the path");
    throw UserError(fmt::format("{}: cannot be opened: {}", file.string(), describe(errno)));
  }
  struct stat status {};
  if (::fstat(descriptor.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    throw UserError(fmt::format("{}: is a folder, expected a file", file.string()));
  }
  std::string content;
  // A pipe or /proc file says size 0, so the size is only where to start.
  std::size_t capacity = status.st_size > 0 ? static_cast<std::size_t>(status.st_size) + 1 : 65536;
  std::size_t size = 0;
  while (true) {
    if (content.size() == size) content.resize(size == 0 ? capacity : 2 * size);
    const ssize_t count = ::read(descriptor.get(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw UserError(fmt::format("{}: cannot be read: {}", file.string(), describe(errno)));
    }
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  content.resize(size);
  return content;
}

InputFile::InputFile(fs::path file)
    : file_(std::move(file)), descriptor_(::open(file_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    if (errno == ENOENT) throw UserError(fmt::format("{}: no such file", file_.string()), "check the path");
    throw UserError(fmt::format("{}: cannot be opened: {}", file_.string(), describe(errno)));
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw UserError(fmt::format("{}: is not a regular file", file_.string()));
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
    if (count < 0) throw UserError(fmt::format("{}: cannot be read: {}", file_.string(), describe(errno)));
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
    throw UserError(fmt::format("{}: cannot be read: {}", file_.string(), describe(errno)));
  return static_cast<std::uint64_t>(status.st_size);
}

void write_file(const fs::path& file, std::string_view content) {
  AtomicFile output(file);
  output.reserve(content.size());
  output.write(content);
  output.commit();
}

void create_output_folder(const fs::path& folder, IfExists if_exists) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (fs::exists(status) && !fs::is_directory(status)) {
    throw UserError(fmt::format("{}: is a file, expected a folder to write to", folder.string()),
                    "name another output folder");
  }
  if (fs::is_directory(status)) {
    const bool empty = fs::is_empty(folder, error);
    if (error) throw UserError(fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
    if (!empty && if_exists == IfExists::kFail) {
      throw UserError(fmt::format("{}: the output folder exists and is not empty", folder.string()),
                      "name another folder, or pass --overwrite");
    }
    return;
  }
  fs::create_directories(folder, error);
  if (error) throw UserError(fmt::format("{}: cannot be created: {}", folder.string(), error.message()));
}

}  // namespace espalier
