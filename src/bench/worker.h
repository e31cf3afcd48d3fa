#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace espalier {

/// What a worker says when it is ready: the model's size, or why it could not be opened.
struct WorkerReady {
  std::uint64_t parameters = 0;
  std::string error, hint;  ///< empty: none
};

/// The work of a child process: `start` runs once, `round` as often as asked.
struct WorkerTask {
  std::function<std::uint64_t()> start;  ///< returns the number of parameters; may throw UserError
  std::function<double()> round;         ///< returns tokens per second
};

/// A forked process that runs a task on request. The destructor ends it.
class Worker {
 public:
  explicit Worker(const WorkerTask& task);
  Worker(Worker&& other) noexcept;
  Worker& operator=(Worker&&) = delete;
  ~Worker();

  WorkerReady wait_until_ready();
  double round();
  std::uint64_t peak_resident_bytes();

 private:
  pid_t process_ = -1;
  int requests_ = -1, answers_ = -1;
};

}  // namespace espalier
