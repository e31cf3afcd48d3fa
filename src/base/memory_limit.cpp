#include "base/memory_limit.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/machine.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// The number in a file of the system; nothing for "max".
std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::uint64_t number = 0;
  std::ifstream input(file);
  return input >> number ? std::optional(number) : std::nullopt;
}

std::uint64_t left(std::uint64_t limit, std::uint64_t used) {
  return limit > used ? limit - used : 0;
}

/// What a control group and those above it leave; files of the page cache give way.
std::optional<std::uint64_t> left_in_groups(const fs::path& root, fs::path group, const char* limit_file,
                                            const char* use_file) {
  std::optional<std::uint64_t> smallest;
  while (true) {
    const fs::path folder = root / group.relative_path();
    const auto limit = number_in(folder / limit_file);
    if (limit && *limit < std::numeric_limits<std::int64_t>::max() / 2) {
      const std::uint64_t cached = group_cache_bytes(folder.string());
      const std::uint64_t used = left(number_in(folder / use_file).value_or(0), cached);
      smallest = std::min(smallest.value_or(*limit), left(*limit, used));
    }
    if (!group.has_relative_path()) return smallest;
    group = group.parent_path();
  }
}

/// Lines of /proc/self/cgroup: "0::/user.slice" and "9:memory:/docker/abc".
std::optional<std::uint64_t> left_in_control_groups() {
  std::optional<std::uint64_t> smallest;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      group = line.substr(second + 1);
    std::optional<std::uint64_t> here;
    if (controllers.empty()) here = left_in_groups("/sys/fs/cgroup", group, "memory.max", "memory.current");
    if (controllers == "memory")
      here = left_in_groups("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", "memory.usage_in_bytes");
    if (here) smallest = std::min(smallest.value_or(*here), *here);
  }
  return smallest;
}

}  // namespace

MemoryLimit memory_limit() {
  MemoryLimit limit{available_memory_bytes(), "the memory that is free"};
  if (limit.bytes == 0) limit.bytes = std::numeric_limits<std::uint64_t>::max();  // unknown
  if (const auto group = left_in_control_groups(); group && *group < limit.bytes)
    limit = {*group, "the limit of the control group"};
  rlimit space{};
  if (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
    if (const auto here = left(space.rlim_cur, virtual_bytes()); here < limit.bytes)
      limit = {here, "ulimit -v"};
  return limit;
}

void expect_memory(std::uint64_t bytes, std::string_view what, std::string_view hint) {
  const MemoryLimit limit = memory_limit();
  if (bytes <= limit.bytes) return;
  throw UserError(
      fmt::format("{} needs {:.1f} GB of memory, and {} is {:.1f} GB", what, static_cast<double>(bytes) / 1e9,
                  limit.set_by, static_cast<double>(limit.bytes) / 1e9),
      std::string(hint));
}

}  // namespace espalier
