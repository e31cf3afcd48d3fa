#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace espalier {

/// A program that runs beside this one: nothing on its standard input, its output appended to a log. It is in
/// a process group of its own, so that Ctrl-C in the terminal reaches this program alone, which decides; when
/// this program dies, however it does, the child gets SIGTERM.
class ChildProcess {
 public:
  /// `words[0]` is what the program sees as its name. Throws UserError when the log cannot be written.
  ChildProcess(const std::filesystem::path& program, std::vector<std::string> words,
               const std::filesystem::path& log);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  ///< kills it when it still runs

  /// Its exit code, or 128 + the signal that ended it; empty while it runs.
  std::optional<int> exit_code();
  /// Asks it to stop: SIGINT.
  void interrupt();

 private:
  pid_t process_ = -1;
  std::optional<int> exit_code_;
};

/// Holds a folder for this process and its children: until the last of them ends, nobody else gets it.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();
  /// False while another process, or a child it left, has it. Throws UserError where locks do not work.
  bool try_lock();

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace espalier
