#pragma once

#include <map>
#include <string>

namespace espalier {

/// Sets the threads of libtorch, OpenMP and oneDNN (libtorch starts with one), and lets the allocator keep
/// freed memory: a training step frees and takes the same blocks again and again, and giving them back to the
/// system makes every step pay for page faults. Call once, before any tensor is made.
void configure_engine(int threads);

/// Gives what `configure_engine` made the allocator keep back to the system: after something large is gone
/// for good, as dropped experts are.
void return_freed_memory();

/// "espalier", "torch", "onednn" -> version.
std::map<std::string, std::string> library_versions();

}  // namespace espalier
