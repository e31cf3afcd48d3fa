#include "base/waiting.h"

#include <fmt/format.h>
#include <poll.h>

#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"

namespace espalier {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr std::chrono::seconds kLong{1};

struct Listener {
  std::mutex mutex;
  NoteSink note;
  std::string told;  // last: who reads or writes slowly is waited for many times
};

Listener& listener() {
  static Listener one;
  return one;
}

void tell(const std::string& what) {
  Listener& to = listener();
  const std::lock_guard lock(to.mutex);
  if (to.told == what) return;
  to.told = what;
  if (to.note) to.note(fmt::format("waiting for {}", what));
}

}  // namespace

void tell_of_waits(NoteSink note) {
  Listener& to = listener();
  const std::lock_guard lock(to.mutex);
  to.note = std::move(note);
}

Wait::Wait(std::string what) : what_(std::move(what)) {}

void Wait::until(int descriptor, short events) {
  pollfd waiting{descriptor, events, 0};
  while (::poll(&waiting, 1, static_cast<int>(kBetweenLooks.count())) <= 0) look();
}

void Wait::pause() {
  std::this_thread::sleep_for(kBetweenLooks);
  look();
}

void Wait::look() {
  if (interrupt_requested()) throw Interrupted(fmt::format("stopped while waiting for {}", what_));
  if (std::chrono::steady_clock::now() - begun_ > kLong) tell(what_);
}

}  // namespace espalier
