#pragma once

#include <string>
#include <vector>

namespace espalier {

/// Files of the OpenMP runtimes that this process has loaded, each with threads of its own; "linked in" for
/// one that is part of the program.
std::vector<std::string> openmp_runtimes();

/// Processor time that a thread takes while it waits 20 ms for another one, in microseconds: what it spins
/// before it sleeps. 0 for one thread.
double waiting_microseconds(int threads);

}  // namespace espalier
