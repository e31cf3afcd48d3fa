#include "base/output_path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/waiting.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as Linux has it

bool is_in_proc(const fs::path& path) {
  return path.native().starts_with("/proc/");
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Of standard output and standard error, what is `status`: so that text written there before stays before.
int standard_descriptor_of(const struct stat& status) {
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open {};
    if (::fstat(descriptor, &open) == 0 && is_same_file(open, status)) return descriptor;
  }
  return -1;
}

/// A FIFO that nobody reads yet is waited for.
int open_to_write(const fs::path& file, bool is_fifo) {
  Wait wait(fmt::format("a reader of {}", file.string()));
  for (;; wait.pause()) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | (is_fifo ? O_NONBLOCK : 0));
    if (descriptor >= 0 && is_fifo) ::fcntl(descriptor, F_SETFL, 0);
    if (descriptor >= 0 || errno != ENXIO || !is_fifo) return descriptor;
  }
}

}  // namespace

fs::path follow_links(fs::path path) {
  const fs::path asked = path;
  std::error_code error;
  for (int links = 0; fs::is_symlink(fs::symlink_status(path, error)) && !is_in_proc(path); ++links) {
    if (links == kMostLinks)
      throw UserError(fmt::format("{}: symbolic links that lead nowhere", asked.string()),
                      "name another output");
    const fs::path target = fs::read_symlink(path);
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  return path;
}

fs::path settled_path(const fs::path& path) {
  const fs::path result = fs::absolute(path).lexically_normal();
  return fs::weakly_canonical(follow_links(result.has_filename() ? result : result.parent_path()));
}

bool is_special_file(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 && !S_ISDIR(status.st_mode) &&
         (!S_ISREG(status.st_mode) || is_in_proc(file));
}

int open_as_it_is(const fs::path& file) {
  if (!is_special_file(file)) return -1;
  struct stat status {};
  ::stat(file.c_str(), &status);
  const int standard = is_in_proc(file) ? standard_descriptor_of(status) : -1;
  const int descriptor = standard >= 0 ? ::fcntl(standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                                       : open_to_write(file, S_ISFIFO(status.st_mode));
  if (descriptor < 0)
    throw UserError(fmt::format("{}: cannot be written to: {}", file.string(), std::strerror(errno)),
                    "name another output");
  return descriptor;
}

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\\') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace espalier
