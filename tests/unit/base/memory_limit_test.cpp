#include "base/memory_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/machine.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

TEST(MemoryLimit, IsNoMoreThanTheMachineHas) {
  const MemoryLimit limit = memory_limit();
  EXPECT_GT(limit.bytes, 1'000'000U);
  EXPECT_LE(limit.bytes, available_memory_bytes() + (std::uint64_t{1} << 30));  // others give back meanwhile
  EXPECT_NO_THROW(expect_memory(1000, "a test", ""));
  fixtures::expect_user_error([] { expect_memory(std::uint64_t{1} << 60, "a test", "less"); },
                              {"a test needs 1152921504.6 GB of memory"});
}

TEST(MemoryLimit, KnowsTheLimitOfTheShell) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit space{virtual_bytes() + (64 << 20), RLIM_INFINITY};
    ::setrlimit(RLIMIT_AS, &space);
    const MemoryLimit limit = memory_limit();
    ::_exit(limit.set_by == "ulimit -v" && limit.bytes <= 64 << 20 && limit.bytes > 32 << 20 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace espalier
