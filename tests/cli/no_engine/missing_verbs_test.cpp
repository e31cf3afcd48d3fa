// The program without models says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_program.h"

namespace espalier {
namespace {

using testing::HasSubstr;

TEST(MissingVerbs, SayWhichBuildHasThem) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"finetune", "models/mini-moe", "--task", "sst2", "--out", "x"},
        {"tokenize"},
        {"eval", "model", "--no-such-option"},
        {"tokenizer", "train", "a.txt"}}) {
    const ProgramRun run = run_program(command);
    EXPECT_EQ(run.exit_code, 2) << command[0];
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr("espalier: error: `" + command[0] + "` needs the full build"));
    EXPECT_THAT(run.err, HasSubstr("\nhint: `make full`"));
  }
}

TEST(MissingVerbs, TheVersionNamesNoTensorLibrary) {
  EXPECT_THAT(run_program({"version"}).out, HasSubstr("tensor libraries: none"));
}

}  // namespace
}  // namespace espalier
