#include "base/machine.h"

#include <malloc.h>
#include <sched.h>

#include <charconv>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

namespace espalier {
namespace {

/// The text after "KEY<blanks>:<blanks>" in the first line of a /proc file that starts with KEY.
std::optional<std::string> proc_field(const char* file, std::string_view key) {
  std::ifstream input(file);
  for (std::string line; std::getline(input, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t colon = line.find_first_not_of(" \t", key.size());
    if (colon == std::string::npos || line[colon] != ':') continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? std::string() : line.substr(value);
  }
  return std::nullopt;
}

std::uint64_t proc_kilobytes(const char* file, std::string_view key) {
  const std::optional<std::string> text = proc_field(file, key);
  std::uint64_t kilobytes = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), kilobytes);
  return kilobytes * 1024;
}

}  // namespace

std::uint64_t resident_bytes() {
  return proc_kilobytes("/proc/self/status", "VmRSS");
}

std::uint64_t peak_resident_bytes() {
  return proc_kilobytes("/proc/self/status", "VmHWM");
}

std::uint64_t memory_bytes() {
  return proc_kilobytes("/proc/meminfo", "MemTotal");
}

std::uint64_t available_memory_bytes() {
  const std::uint64_t available = proc_kilobytes("/proc/meminfo", "MemAvailable");
  return available == 0 ? 0 : available + proc_kilobytes("/proc/meminfo", "SwapFree");
}

std::uint64_t virtual_bytes() {
  return proc_kilobytes("/proc/self/status", "VmSize");
}

std::uint64_t group_cache_bytes(const std::string& folder) {
  std::ifstream input(folder + "/memory.stat");
  std::uint64_t bytes = 0, value = 0;
  for (std::string key; input >> key >> value;)
    if (key == "inactive_file" || key == "active_file") bytes += value;
  return bytes;
}

void restart_peak_resident_bytes() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;  // Linux: proc(5); where it may not be written the peak stays
}

int hardware_threads() {
  // The fixed cpu_set_t ends at 1024 processors; the call fails on larger machines until the set is large
  // enough.
  for (int processors = CPU_SETSIZE; processors <= (1 << 20); processors *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(processors),
                                                               [](cpu_set_t* p) { CPU_FREE(p); });
    const std::size_t size = CPU_ALLOC_SIZE(processors);
    if (set && sched_getaffinity(0, size, set.get()) == 0) return CPU_COUNT_S(size, set.get());
  }
  const unsigned fallback = std::thread::hardware_concurrency();
  return fallback == 0 ? 1 : static_cast<int>(fallback);
}

std::string cpu_name() {
  return proc_field("/proc/cpuinfo", "model name").value_or("unknown");
}

}  // namespace espalier
