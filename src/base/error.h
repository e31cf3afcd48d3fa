#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace espalier {

/// The user's input or surroundings are wrong: a file, a flag, a plan, a full disk. The program prints
/// `espalier: error: what()` and `hint: hint()` and exits with 2.
///
/// `what` names the file, tensor or line, what was found and what was expected; `hint` says what to do.
/// Whoever throws knows best: there is no error without a hint. (What options refuse has the hint of the
/// command line.)
class UserError : public std::runtime_error {
 public:
  UserError(const std::string& what, std::string hint) : std::runtime_error(what), hint_(std::move(hint)) {}
  const std::string& hint() const { return hint_; }

 private:
  std::string hint_;
};

/// An invariant of the program is broken: a fault of ours. Exit code 1.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Work was stopped by Ctrl-C after its state was saved. Exit code 130.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace espalier
