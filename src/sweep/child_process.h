#pragma once

#include <sys/types.h>

#include <cstdint>
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

/// Bytes of a log; 0 where there is none.
std::uintmax_t log_size(const std::filesystem::path& log);
/// The error that a program printed at the end of its log, after `log_start` (what an earlier attempt printed
/// is before it), or how it ended.
std::string reason_of_failure(const std::filesystem::path& log, std::uintmax_t log_start, int exit_code);

}  // namespace espalier
