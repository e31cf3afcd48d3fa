#include "base/scratch_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "temporary_folder.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

TEST(ScratchFolder, OfAProcessThatWasKilledIsRemovedByTheNext) {
  const TemporaryFolder folder;
  ::setenv("TMPDIR", folder.path().c_str(), 1);
  const pid_t child = ::fork();
  if (child == 0) {
    const ScratchFolder scratch;
    std::ofstream(scratch.path() / "hidden") << "states";
    ::_exit(0);  // as if killed: nothing is cleaned up
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  fs::create_directory(folder / "espalier-scratch-mine");
  ASSERT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2);
  {
    const ScratchFolder first, second;
    EXPECT_TRUE(fs::exists(first.path()) && fs::exists(second.path()));
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 3);
  }
  EXPECT_TRUE(fs::exists(folder / "espalier-scratch-mine"));  // a name that is not ours
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
  ::unsetenv("TMPDIR");
}

}  // namespace
}  // namespace espalier
