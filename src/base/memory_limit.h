#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace espalier {

/// What this process may still take, and who says so.
struct MemoryLimit {
  std::uint64_t bytes = 0;
  std::string set_by;  ///< "the memory that is free", "the control group", "ulimit -v"
};

/// The smallest of what the machine has free (swap included), what the control groups of this process leave
/// (v1 and v2) and what RLIMIT_AS leaves.
MemoryLimit memory_limit();

/// Called before work begins: throws UserError where `what` will hold more than there is.
void expect_memory(std::uint64_t bytes, std::string_view what, std::string_view hint);

}  // namespace espalier
