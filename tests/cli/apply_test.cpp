#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "cli/running_program.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

TEST(ApplyVerb, WritesWhatTheDryRunSays) {
  const fixtures::SurgeryFolder folder;
  fixtures::store_small(folder.model(), "qwen3_moe");
  write_plan(folder.plan_file(), fixtures::plan_keeping({0, 2}, {1, 2, 5, 6}));
  std::vector<std::string> command{
      "apply", folder.model(), folder.plan_file(), "--out", folder.out(), "--shard-size", "1KB", "--json"};
  auto dry = command;
  dry.emplace_back("--dry-run");
  const ProgramRun promised = run_program(dry);
  EXPECT_EQ(promised.exit_code, 0) << promised.err;
  EXPECT_FALSE(std::filesystem::exists(folder.out()));
  const ProgramRun done = run_program(command);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const auto json = nlohmann::json::parse(done.out);
  EXPECT_EQ(json.at("files"), nlohmann::json::parse(promised.out).at("files"));
  EXPECT_GT(json.at("files").size(), 1U);
  for (const auto& file : json.at("files"))
    EXPECT_EQ(std::filesystem::file_size(folder.out() / file.at("file")), file.at("bytes"));
  const ProgramRun again = run_program(command);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("is complete, of the same command"));
  command[6] = "2KB";
  EXPECT_EQ(run_program(command).exit_code, 2);  // the folder is not empty now
}

/// A model of 24 MB, so that writing it takes a while.
void store_large(const std::filesystem::path& folder) {
  auto config = fixtures::small_config("mixtral");
  config["intermediate_size"] = 40'000;
  auto tensors = fixtures::small_tensors("mixtral");
  for (auto& tensor : tensors)
    for (auto& size : tensor.shape)
      if (size == fixtures::kSmallInner) size = 40'000;
  fixtures::store(folder, config, tensors);
}

TEST(ApplyVerb, GoesOnAfterKillMinusNine) {
  const fixtures::SurgeryFolder folder;
  store_large(folder.model());
  write_plan(folder.plan_file(), fixtures::plan_keeping({0, 1, 2}, {1, 2, 5, 6}));
  const std::vector<std::string> command{
      "apply", folder.model(), folder.plan_file(), "--out", folder.out(), "--shard-size", "1MB", "--json"};
  auto dry = command;
  dry.emplace_back("--dry-run");
  const auto files = nlohmann::json::parse(run_program(dry).out).at("files");
  ASSERT_GT(files.size(), 10U);  // each is flushed to disk: slower than a look at the folder
  RunningProgram running(command);
  const auto first = folder / "out.partial" / files.at(0).at("file").get<std::string>();
  ASSERT_TRUE(running.wait_until([&] { return std::filesystem::exists(first); }))
      << "the program was faster than the test";
  EXPECT_EQ(running.stop(SIGKILL), 128 + SIGKILL);
  ASSERT_FALSE(std::filesystem::exists(folder.out()));
  const ProgramRun again = run_program(command);
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, HasSubstr("were there from a run that was stopped"));
  EXPECT_EQ(nlohmann::json::parse(again.out).at("files"), files);
  const ProgramRun proof =
      run_program({"verify", folder.model(), folder.out(), "--plan", folder.plan_file()});
  EXPECT_EQ(proof.exit_code, 0) << proof.err;
}

}  // namespace
}  // namespace espalier
