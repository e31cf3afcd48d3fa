// The program without training says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_program.h"

namespace espalier {
namespace {

using testing::HasSubstr;

TEST(MissingVerbs, SayWhichBuildHasThem) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"finetune", "models/mini-moe", "--task", "sst2", "--out", "x"},
        {"pretrain", "config.json", "--no-such-option"}}) {
    const ProgramRun run = run_program(command);
    EXPECT_EQ(run.exit_code, 2) << command[0];
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr("espalier: error: `" + command[0] + "` needs the full build"));
    EXPECT_THAT(run.err, HasSubstr("\nhint: `make full`"));
  }
}

TEST(MissingVerbs, ASweepOverThemIsRefusedAtOnce) {
  const TemporaryFolder folder;
  const auto grid = folder.write("grid.toml", "[grid]\nseeds = [1]\n");
  const ProgramRun run = run_program({"sweep", grid, "--out", (folder / "out").string()});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("`finetune` needs the full build"));
}

TEST(MissingVerbs, TheVersionNamesNoTensorLibrary) {
  EXPECT_THAT(run_program({"version"}).out, HasSubstr("tensor libraries: none"));
}

}  // namespace
}  // namespace espalier
