#pragma once

namespace espalier {

/// The whole program. Results go to stdout, progress, notes and errors to stderr. Returns the exit code:
/// 0 done; 2 the user's input or surroundings are wrong (one line `espalier: error: ..`, one line
/// `hint: ..`); 1 a fault of the program; 130 interrupted with the state saved.
int run_program(int argc, const char* const* argv);

}  // namespace espalier
