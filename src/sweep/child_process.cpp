#include "sweep/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

constexpr int kCannotExecute = 127;  // as shells have it

/// In the child, between fork and exec: only calls that are safe where other threads held locks.
[[noreturn]] void become(const char* program, char* const* words, int log, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kCannotExecute);  // it died before the line above
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(log, STDOUT_FILENO) < 0 ||
      ::dup2(log, STDERR_FILENO) < 0)
    ::_exit(kCannotExecute);
  ::execv(program, words);
  ::_exit(kCannotExecute);
}

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program, std::vector<std::string> words,
                           const std::filesystem::path& log) {
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (output < 0)
    throw UserError(fmt::format("{}: cannot be written: {}", log.string(), std::strerror(errno)),
                    "check that the folder may be written to");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ == 0) become(program.c_str(), arguments.data(), output, parent);
  const int failure = errno;
  ::close(output);
  if (process_ < 0)
    throw UserError(fmt::format("cannot start a process: {}", std::strerror(failure)), "try fewer --jobs");
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)), exit_code_(other.exit_code_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(process_, other.process_);
  std::swap(exit_code_, other.exit_code_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (process_ < 0 || exit_code_) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

std::optional<int> ChildProcess::exit_code() {
  int status = 0;
  if (!exit_code_ && ::waitpid(process_, &status, WNOHANG) == process_)
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return exit_code_;
}

void ChildProcess::interrupt() {
  if (!exit_code_) ::kill(process_, SIGINT);
}

std::uintmax_t log_size(const std::filesystem::path& log) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(log, absent);
  return absent ? 0 : size;
}

std::string reason_of_failure(const std::filesystem::path& log, std::uintmax_t log_start, int exit_code) {
  constexpr std::string_view kMark = "espalier: error: ";
  const auto text = read_file(log).substr(log_start);
  if (const auto at = text.rfind(kMark); at != std::string::npos) {
    const auto start = at + kMark.size();
    return text.substr(start, text.find('\n', start) - start);
  }
  if (exit_code > 128) return fmt::format("ended by signal {}", exit_code - 128);
  return fmt::format("ended with exit code {}", exit_code);
}

}  // namespace espalier
