#pragma once

#include <cstdint>
#include <string>

namespace espalier {

std::uint64_t resident_bytes();       ///< VmRSS of this process
std::uint64_t peak_resident_bytes();  ///< VmHWM of this process
int hardware_threads();               ///< processors this process may run on
std::string cpu_name();               ///< "model name" of /proc/cpuinfo

}  // namespace espalier
