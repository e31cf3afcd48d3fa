#pragma once

#include <cstdint>
#include <string>

namespace espalier {

std::uint64_t resident_bytes();       ///< VmRSS of this process; 0 where unknown
std::uint64_t peak_resident_bytes();  ///< VmHWM of this process; 0 where unknown
/// Gives freed memory back to the system and lets `peak_resident_bytes` start anew, so that it is the peak of
/// what comes next.
void restart_peak_resident_bytes();
int hardware_threads();        ///< processors this process may run on
std::uint64_t memory_bytes();  ///< MemTotal of /proc/meminfo; 0 where unknown
std::string cpu_name();        ///< "model name" of /proc/cpuinfo

}  // namespace espalier
