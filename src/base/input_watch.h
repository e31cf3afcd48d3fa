#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace espalier {

/// What tells one state of a file from another without reading it.
struct FileStamp {
  std::uint64_t bytes = 0, device = 0, inode = 0;
  std::int64_t changed_nanoseconds = 0;
  bool operator==(const FileStamp&) const = default;
};
/// Of what `file` names; all zero where there is no such file.
FileStamp stamp_of(const std::filesystem::path& file);
/// Of an open file.
FileStamp stamp_of(int descriptor);

/// Files that must stay as they are while this lives: what is computed from them would be of two states at
/// once.
class WatchedInput {
 public:
  /// `stamp`: of the file as it was opened.
  WatchedInput(std::filesystem::path file, const FileStamp& stamp);
  WatchedInput(const WatchedInput&) = delete;
  WatchedInput& operator=(const WatchedInput&) = delete;
  ~WatchedInput();

  const std::filesystem::path& file() const { return file_; }
  bool is_changed() const { return stamp_of(file_) != stamp_; }

 private:
  std::filesystem::path file_;
  FileStamp stamp_;
};

/// Throws UserError naming the first watched file that was changed, cut or replaced, or memory mapped from a
/// file that was cut (base/mapped_range.h). Every output asks before it appears under its name, and streamed
/// models after each layer.
void expect_inputs_unchanged();

/// The same of files that are no longer watched, since the last call: a program asks before it prints a
/// result.
void expect_inputs_were_unchanged();
/// Told of the file of a mapping that was cut, when it ends.
void remember_changed_input(const std::string& file);

}  // namespace espalier
