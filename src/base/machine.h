#pragma once

#include <cstdint>
#include <string>

namespace espalier {

std::uint64_t resident_bytes();       ///< VmRSS of this process; 0 where unknown
std::uint64_t peak_resident_bytes();  ///< VmHWM of this process; 0 where unknown
int hardware_threads();               ///< processors this process may run on
std::uint64_t memory_bytes();         ///< MemTotal of /proc/meminfo; 0 where unknown
std::string cpu_name();               ///< "model name" of /proc/cpuinfo

}  // namespace espalier
