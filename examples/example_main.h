#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "base/error.h"
#include "base/interrupt.h"

namespace espalier::examples {

/// Parses the command line, runs the callback of `app`, and says on stderr what went wrong, as `espalier`
/// does. The exit code: 0 done; 2 the input or the surroundings are wrong; 130 interrupted; 1 a fault of the
/// program.
inline int run_example(CLI::App& app, int argc, const char* const* argv) {
  const auto failed = [&](int code, const char* what, const std::string& hint) {
    fmt::print(stderr, "{}: error: {}\n", app.get_name(), what);
    if (!hint.empty()) fmt::print(stderr, "hint: {}\n", hint);
    return code;
  };
  try {
    install_interrupt_handler();
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return failed(2, error.what(), fmt::format("`{} --help` lists the options", app.get_name()));
  } catch (const UserError& error) {
    return failed(2, error.what(), error.hint());
  } catch (const Interrupted& interrupted) {
    return failed(130, interrupted.what(), "");
  } catch (const std::exception& error) {
    return failed(1, error.what(), "");
  }
}

}  // namespace espalier::examples
