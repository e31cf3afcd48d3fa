#include "bench/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "base/error.h"
#include "base/machine.h"

namespace espalier {
namespace {

enum class Request : char { kRound = 'r', kMemory = 'm' };

void write_all(int file, const void* data, std::size_t bytes) {
  if (::write(file, data, bytes) != static_cast<ssize_t>(bytes))
    throw InternalError("bench: a worker's pipe broke");
}

void read_all(int file, void* data, std::size_t bytes) {
  auto* to = static_cast<char*>(data);
  while (bytes > 0) {
    const auto got = ::read(file, to, bytes);
    if (got <= 0) throw UserError("bench: a worker process ended early", "was it killed, or out of memory?");
    to += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

void write_text(int file, const std::string& text) {
  const auto size = static_cast<std::uint64_t>(text.size());
  write_all(file, &size, sizeof size);
  if (size > 0) write_all(file, text.data(), text.size());
}

std::string read_text(int file) {
  std::uint64_t size = 0;
  read_all(file, &size, sizeof size);
  std::string text(size, '\0');
  read_all(file, text.data(), size);
  return text;
}

void start(const WorkerTask& task, int answers) {
  WorkerReady ready;
  try {
    ready.parameters = task.start();
  } catch (const UserError& error) {
    ready.error = error.what();
    ready.hint = error.hint();
  }
  write_all(answers, &ready.parameters, sizeof ready.parameters);
  write_text(answers, ready.error);
  write_text(answers, ready.hint);
}

void serve(const WorkerTask& task, int requests, int answers) {
  start(task, answers);
  Request request{};
  while (::read(requests, &request, 1) == 1) {
    if (request == Request::kRound) {
      const double rate = task.round();
      write_all(answers, &rate, sizeof rate);
    } else {
      const auto bytes = espalier::peak_resident_bytes();
      write_all(answers, &bytes, sizeof bytes);
    }
  }
}

}  // namespace

Worker::Worker(const WorkerTask& task) {
  int requests[2], answers[2];
  if (::pipe2(requests, O_CLOEXEC) != 0 || ::pipe2(answers, O_CLOEXEC) != 0)
    throw InternalError("bench: pipe failed");
  process_ = ::fork();
  if (process_ < 0) throw InternalError("bench: fork failed");
  if (process_ == 0) {
    ::close(requests[1]);
    ::close(answers[0]);
    int status = 0;
    try {
      serve(task, requests[0], answers[1]);
    } catch (...) {
      status = 1;
    }
    ::_exit(status);
  }
  ::close(requests[0]);
  ::close(answers[1]);
  requests_ = requests[1];
  answers_ = answers[0];
}

Worker::Worker(Worker&& other) noexcept
    : process_(std::exchange(other.process_, -1)),
      requests_(std::exchange(other.requests_, -1)),
      answers_(std::exchange(other.answers_, -1)) {}

Worker::~Worker() {
  if (process_ < 0) return;
  ::close(requests_);
  ::close(answers_);
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

WorkerReady Worker::wait_until_ready() {
  WorkerReady ready;
  read_all(answers_, &ready.parameters, sizeof ready.parameters);
  ready.error = read_text(answers_);
  ready.hint = read_text(answers_);
  return ready;
}

double Worker::round() {
  const auto request = Request::kRound;
  write_all(requests_, &request, 1);
  double rate = 0;
  read_all(answers_, &rate, sizeof rate);
  return rate;
}

std::uint64_t Worker::peak_resident_bytes() {
  const auto request = Request::kMemory;
  write_all(requests_, &request, 1);
  std::uint64_t bytes = 0;
  read_all(answers_, &bytes, sizeof bytes);
  return bytes;
}

}  // namespace espalier
