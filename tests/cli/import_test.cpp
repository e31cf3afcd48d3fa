#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_program.h"

namespace espalier {
namespace {

TEST(Import, NamesTheFileThatIsNotThere) {
  const TemporaryFolder folder;
  const auto run =
      run_program({"import", (folder / "ckpt_1.index").string(), "--out", (folder / "model").string()});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, ::testing::HasSubstr("ckpt_1.index"));
  EXPECT_FALSE(std::filesystem::exists(folder / "model"));
}

TEST(Import, RefusesOtherFiles) {
  const TemporaryFolder folder;
  folder.write("ckpt.index", "{\"a\": 1}");
  const auto run = run_program({"import", (folder / "ckpt").string(), "--out", (folder / "model").string()});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, ::testing::HasSubstr("MessagePack"));
}

}  // namespace
}  // namespace espalier
