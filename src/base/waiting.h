#pragma once

#include <chrono>
#include <string>

#include "base/progress.h"

namespace espalier {

/// Who is told, once, where the process waits for another one for longer than a moment; the program sets it.
void tell_of_waits(NoteSink note);

/// A wait for another process, which Ctrl-C ends: system calls that block would go on after the signal.
class Wait {
 public:
  /// `what` is waited for: "a reader of FILE".
  explicit Wait(std::string what);

  /// Returns when the descriptor has one of `events` (of poll). Throws Interrupted.
  void until(int descriptor, short events);
  /// Sleeps for a moment between two attempts. Throws Interrupted.
  void pause();

 private:
  void look();

  std::string what_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace espalier
