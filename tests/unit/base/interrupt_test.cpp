// Each in a process of its own: the flag stays set.
#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace espalier {
namespace {

TEST(Interrupt, TheFirstSignalSetsTheFlag) {
  const auto first = [](int signal) {
    install_interrupt_handler();
    if (interrupt_requested()) _exit(1);
    raise(signal);
    _exit(interrupt_requested() ? 0 : 2);
  };
  EXPECT_EXIT(first(SIGINT), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(first(SIGTERM), testing::ExitedWithCode(0), "");
}

TEST(Interrupt, TheSecondEndsTheProcess) {
  const auto twice = [](int signal) {
    install_interrupt_handler();
    raise(signal);
    raise(signal);
    _exit(0);
  };
  EXPECT_EXIT(twice(SIGINT), testing::KilledBySignal(SIGINT), "");
  EXPECT_EXIT(twice(SIGTERM), testing::KilledBySignal(SIGTERM), "");
}

#if defined(__x86_64__)
/// As oneDNN's products do: the stack register points into the heap when a signal comes.
void raise_with_stack_at(char* top) {
  long result = SYS_kill;
  asm volatile(
      "mov %%rsp, %%rbx\n\t"
      "mov %[top], %%rsp\n\t"
      "syscall\n\t"
      "mov %%rbx, %%rsp"
      : "+a"(result)
      : "D"(static_cast<long>(getpid())), "S"(static_cast<long>(SIGINT)), [top] "r"(top)
      : "rbx", "rcx", "r11", "memory");
}

TEST(Interrupt, TheHandlerWritesNothingBelowTheStackRegister) {
  const auto interrupted = [] {
    install_interrupt_handler();
    std::vector<char> block(1 << 17, 'x');
    raise_with_stack_at(block.data() + block.size());
    if (!interrupt_requested()) _exit(1);
    _exit(std::all_of(block.begin(), block.end(), [](char c) { return c == 'x'; }) ? 0 : 2);
  };
  EXPECT_EXIT(interrupted(), testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace espalier
