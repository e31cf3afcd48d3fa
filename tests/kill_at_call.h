#pragma once

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <stdexcept>

namespace espalier {

/// What came of work in a process of its own that was to be killed.
struct KilledRun {
  bool killed = false;
  int exit_code = -1;  ///< of one that ended by itself
  int calls = 0;       ///< that change files, begun by then
};

namespace kill_at_call {

/// Whether a system call, about to begin, can change what is on the disk.
inline bool changes_files(const user_regs_struct& call) {
  constexpr std::array kAlways = {
      SYS_rename,    SYS_renameat,  SYS_renameat2, SYS_unlink,   SYS_unlinkat,        SYS_mkdir,
      SYS_mkdirat,   SYS_rmdir,     SYS_link,      SYS_linkat,   SYS_symlink,         SYS_symlinkat,
      SYS_ftruncate, SYS_fallocate, SYS_fsync,     SYS_pwrite64, SYS_copy_file_range, SYS_sendfile};
  const auto number = static_cast<long>(call.orig_rax);
  if (number == SYS_write) return call.rdi > STDERR_FILENO;
  if (number == SYS_openat) return (call.rdx & (O_CREAT | O_TRUNC)) != 0;
  if (number == SYS_open) return (call.rsi & (O_CREAT | O_TRUNC)) != 0;
  return std::find(kAlways.begin(), kAlways.end(), number) != kAlways.end();
}

/// Lets all threads of `child` run until the call that is counted as `at`, or to the end.
inline KilledRun follow(pid_t child, int at) {
  KilledRun run;
  constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
                            PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
    throw std::runtime_error("the child did not stop");
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, kOptions);
  ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
  while (true) {
    const pid_t thread = ::waitpid(-1, &status, __WALL);
    if (thread < 0) return run;  // nobody is left
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (thread == child) run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      continue;
    }
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      signal = 0;
      __ptrace_syscall_info info{};
      user_regs_struct registers{};
      ::ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), thread, sizeof info, &info);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY &&
          ::ptrace(PTRACE_GETREGS, thread, nullptr, &registers) == 0 && changes_files(registers) &&
          ++run.calls == at) {
        ::kill(child, SIGKILL);
        run.killed = true;
      }
    } else if (signal == SIGTRAP || signal == SIGSTOP) {
      signal = 0;  // of ptrace itself
    }
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal);
  }
}

}  // namespace kill_at_call

/// Runs `work` in a process of its own, which ends with its value, and kills that with SIGKILL as it begins
/// its `at`-th system call that can change files (1 is the first; 0: never). A `work` that executes a program
/// is followed into it.
inline KilledRun run_killed_at(int at, const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    int code = 70;
    try {
      code = work();
    } catch (...) {
    }
    ::_exit(code);
  }
  return kill_at_call::follow(child, at);
}

}  // namespace espalier
