#include "base/interrupt.h"

#include <signal.h>

namespace espalier {
namespace {

volatile sig_atomic_t requested = 0;

void on_signal(int) {
  requested = 1;
}

/// The handler's own stack. oneDNN's products (before its pull request 4855 of 2026) point the stack register
/// into the heap while they run: a handler's frame put there overwrites tensors and the allocator's headers.
alignas(16) char handler_stack[64 << 10];

}  // namespace

void install_interrupt_handler() {
  stack_t stack{};
  stack.ss_sp = handler_stack;
  stack.ss_size = sizeof handler_stack;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK | SA_RESTART | SA_RESETHAND;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupt_requested() {
  return requested != 0;
}

}  // namespace espalier
