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
/// MemAvailable and SwapFree of /proc/meminfo; 0 where unknown.
std::uint64_t available_memory_bytes();
std::uint64_t virtual_bytes();  ///< VmSize of this process; 0 where unknown
/// Of the page cache that a control group is charged for (`memory.stat` in its folder); 0 where unknown.
std::uint64_t group_cache_bytes(const std::string& folder);
std::string cpu_name();  ///< "model name" of /proc/cpuinfo

}  // namespace espalier
