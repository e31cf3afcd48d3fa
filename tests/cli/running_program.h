#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "cli/run_program.h"
#include "paths.h"

namespace espalier {

/// The built program, running beside the test; killed when it is still there at the end.
class RunningProgram {
 public:
  explicit RunningProgram(std::vector<std::string> arguments) : err_(folder_.write("err", "")) {
    arguments.insert(arguments.begin(), program_path());
    child_ = fork();
    if (child_ < 0) throw std::runtime_error("fork failed");
    if (child_ > 0) return;
    if (std::freopen("/dev/null", "r", stdin) == nullptr ||
        std::freopen("/dev/null", "w", stdout) == nullptr ||
        std::freopen(err_.c_str(), "w", stderr) == nullptr)
      _exit(126);
    std::vector<char*> words;
    for (std::string& word : arguments) words.push_back(word.data());
    words.push_back(nullptr);
    execv(words.front(), words.data());
    _exit(127);
  }
  ~RunningProgram() {
    if (child_ > 0) stop(SIGKILL);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  /// Waits until `ready`, or until the program has ended by itself (then false).
  bool wait_until(const std::function<bool()>& ready) {
    while (!ready()) {
      int status = 0;
      if (waitpid(child_, &status, WNOHANG) == child_) {
        child_ = -1;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  /// Sends the signal and waits for the end: the exit code, or 128 + the signal that ended it.
  int stop(int signal) {
    kill(child_, signal);
    int status = 0;
    waitpid(child_, &status, 0);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string err() const { return file_content(err_); }

 private:
  TemporaryFolder folder_;
  std::string err_;
  pid_t child_ = -1;
};

}  // namespace espalier
