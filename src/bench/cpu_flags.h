#pragma once

#include <string>
#include <vector>

namespace espalier {

/// Those of the processor's instruction sets that matter to matrix products and vector kernels and that the
/// system lets programs use ("avx2", "avx512_vnni", "amx_bf16"), in the spelling of /proc/cpuinfo; empty
/// where unknown.
std::vector<std::string> cpu_flags();

}  // namespace espalier
