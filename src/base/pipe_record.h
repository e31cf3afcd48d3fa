#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace espalier {

/// What this process has read of one pipe, and the pipe, which goes on from there.
class PipeRecord {
 public:
  /// Takes the descriptor, and holds it as long as the process lives: no other pipe can get its number then.
  explicit PipeRecord(int descriptor) : descriptor_(descriptor) {}
  PipeRecord(const PipeRecord&) = delete;
  PipeRecord& operator=(const PipeRecord&) = delete;

  /// The record of the pipe that `file` names, made when it is met first.
  static std::shared_ptr<PipeRecord> of(const std::filesystem::path& file, const struct stat& status);

  /// The bytes from `position` on, at least one before the end. Throws UserError when they are not kept.
  std::size_t read(std::uint64_t position, std::span<char> into, const std::filesystem::path& file);

 private:
  std::mutex mutex_;
  int descriptor_;
  std::string kept_;         // from the first byte on; empty when there were too many
  std::uint64_t taken_ = 0;  // bytes read of the pipe
  bool ended_ = false;
};

/// Opens for reading; a descriptor under /dev/fd that cannot be opened again (a socket, another user's pipe)
/// is doubled. Throws UserError.
int open_for_reading(const std::filesystem::path& file);

/// Returns when there is something to read, or the end. Throws Interrupted when the user stops the wait.
void wait_for_bytes(int descriptor, const std::filesystem::path& file);

/// `::read`, repeated when a signal comes between. Throws UserError.
std::size_t read_descriptor(int descriptor, std::span<char> into, const std::filesystem::path& file);

}  // namespace espalier
