#include "base/machine.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>
#include <vector>

namespace espalier {
namespace {

TEST(Machine, MemoryFiguresFollowAnAllocation) {
  constexpr std::uint64_t kBytes = 64 << 20;
  const std::uint64_t before = resident_bytes();
  {
    const std::vector<char> block(kBytes, 1);
    EXPECT_GE(resident_bytes(), before + kBytes / 2);
    EXPECT_EQ(block[kBytes / 2], 1);
  }
  EXPECT_GE(peak_resident_bytes(), before + kBytes / 2);
  EXPECT_GT(memory_bytes(), peak_resident_bytes());
}

TEST(Machine, ThreadsAreThoseTheProcessMayUse) {
  EXPECT_GE(hardware_threads(), 1);
  std::thread([] {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    CPU_ZERO(&allowed);
    CPU_SET(first, &allowed);
    ASSERT_EQ(sched_setaffinity(0, sizeof allowed, &allowed), 0);
    EXPECT_EQ(hardware_threads(), 1);
  }).join();
}

TEST(Machine, TheProcessorHasAName) {
  EXPECT_FALSE(cpu_name().empty());
}

}  // namespace
}  // namespace espalier
