#include "sweep/grid.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sweep/grid_runs.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"
#include "unit/sweep/small_grid.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using Words = std::vector<std::string>;

TEST(Grid, IsReadInTheOrderOfTheFile) {
  const auto grid = parse_small_grid(kSmallGrid);
  ASSERT_EQ(grid.tasks.size(), 2u);
  EXPECT_EQ(grid.tasks[0].name, "rte");
  EXPECT_EQ(grid.tasks[0].seeds, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(grid.tasks[1].name, "wordnet");
  EXPECT_EQ(grid.tasks[1].seeds, (std::vector<std::uint64_t>{7}));
  ASSERT_EQ(grid.settings.size(), 2u);
  EXPECT_EQ(grid.settings[0].name, "moe");
  EXPECT_EQ(grid.settings[1].name, "dense") << "not by name";
  EXPECT_EQ(grid.reference, "moe");
  EXPECT_EQ(grid.average, (Words{"rte", "wordnet"}));
}

TEST(Grid, GivesEachRunItsOptions) {
  const auto runs = runs_of(parse_small_grid(kSmallGrid), "out");
  ASSERT_EQ(runs.size(), 6u);
  EXPECT_EQ(runs[0].options, (OptionValues{{"model", Words{"models/moe"}},
                                           {"task", Words{"rte"}},
                                           {"data", Words{"glue"}},
                                           {"epochs", Words{"5"}},
                                           {"learning-rate", Words{"0.0005"}},
                                           {"moe-layers", Words{"1", "3"}},
                                           {"regression", Words{}}}));
  EXPECT_EQ(runs[3].options, (OptionValues{{"model", Words{"models/dense"}},
                                           {"task", Words{"wordnet"}},
                                           {"epochs", Words{"0.5"}},
                                           {"learning-rate", Words{"0.0005"}},
                                           {"regression", std::nullopt}}))
      << "no data for what reads no files; a flag may be switched off";
  EXPECT_EQ(runs[3].seed, 7u);
  EXPECT_EQ(runs[0].folder, "out/rte/moe/seed-1");
  EXPECT_EQ(runs[0].log(), "out/rte/moe/seed-1.log");
}

TEST(Grid, RunsFirstSeedsOfAllTasksFirst) {
  Words names;
  for (const auto& run : runs_of(parse_small_grid(kSmallGrid), "out")) names.push_back(run.name());
  EXPECT_EQ(names, (Words{"rte/moe/seed-1", "rte/dense/seed-1", "wordnet/moe/seed-7", "wordnet/dense/seed-7",
                          "rte/moe/seed-2", "rte/dense/seed-2"}));
}

TEST(Grid, TakesTheFirstSettingForReferenceWhereThereIsNoMoe) {
  const auto grid = parse_small_grid(
      "tasks = \"rte\"\nseeds = [0]\n[settings.b]\nmodel = \"m\"\n[settings.a]\nmodel = \"m\"\n");
  EXPECT_EQ(grid.reference, "b");
}

constexpr std::string_view kPlacedGrid = R"(
tasks = ["rte", "cola"]
seeds = [1]
token-budget = 90_000_000
[settings.moe]
model = "m"
seeds = [1, 2]
[settings.again]
after = "moe"
tasks = "rte"
)";

TEST(Grid, PlacesSettingsOnTasksSeedsAndAfterOthers) {
  const auto grid = parse_small_grid(kPlacedGrid);
  EXPECT_EQ(grid.token_budget, 90'000'000u);
  const auto runs = runs_of(grid, "out");
  Words names;
  for (const auto& run : runs) names.push_back(run.name());
  EXPECT_EQ(names, (Words{"rte/moe/seed-1", "rte/again/seed-1", "cola/moe/seed-1", "rte/moe/seed-2",
                          "cola/moe/seed-2"}));
  EXPECT_EQ(runs[1].first_pass, "out/rte/moe/seed-1");
  EXPECT_EQ(runs[1].options.at("model"), Words{"out/rte/moe/seed-1/model"});
  EXPECT_TRUE(runs[0].first_pass.empty());
}

/// The first run of the small grid with its command line.
GridRun small_run(const std::filesystem::path& out) {
  GridRun run = runs_of(parse_small_grid(kSmallGrid), out)[0];
  run.arguments = {
      "finetune",        "models/moe", "--task",       "rte", "--data", "glue",         "--epochs", "5",
      "--learning-rate", "0.0005",     "--moe-layers", "1",   "3",      "--regression", "--seed",   "1"};
  return run;
}

/// A run folder with a manifest, as `command` left it.
class States : public ::testing::Test {
 protected:
  RunState state(const Words& command, const std::string& status) {
    RunManifest manifest;
    manifest.verb = "finetune";
    manifest.command = command;
    manifest.status = status == "finished" ? RunStatus::kFinished
                      : status == "failed" ? RunStatus::kFailed
                                           : RunStatus::kRunning;
    manifest.started_at = utc_now();
    std::filesystem::create_directories(run_.folder);
    write_manifest(run_.folder / "manifest.json", manifest);
    return state_of(run_);
  }
  Words with(const std::string& old, const std::string& now) const {
    auto words = command_of(run_, RunState::kNew, "espalier", 2);
    std::replace(words.begin(), words.end(), old, now);
    return words;
  }

  TemporaryFolder folder_;
  GridRun run_ = small_run(folder_.path());
};

TEST_F(States, AreReadOffTheRunFolder) {
  EXPECT_EQ(state_of(run_), RunState::kNew);
  std::filesystem::create_directories(run_.folder);
  EXPECT_EQ(state_of(run_), RunState::kNew);
  folder_.write("rte/moe/seed-1/metrics.jsonl", "");
  EXPECT_EQ(state_of(run_), RunState::kLeftOver);
  const auto command = command_of(run_, RunState::kNew, "espalier", 2);
  EXPECT_EQ(state(command, "running"), RunState::kStopped);
  EXPECT_EQ(state(command, "failed"), RunState::kStopped);
  EXPECT_EQ(state(command, "finished"), RunState::kFinished);
}

TEST_F(States, DoNotDependOnTheProgramTheThreadsTheFolderAndHowItStarted) {
  EXPECT_EQ(state(with("espalier", "/usr/bin/espalier"), "finished"), RunState::kFinished);
  EXPECT_EQ(state(command_of(run_, RunState::kStopped, "espalier", 7), "finished"), RunState::kFinished);
  EXPECT_EQ(state(with(run_.folder.string(), "elsewhere"), "finished"), RunState::kFinished);
}

TEST_F(States, RefuseARunWithOtherOptions) {
  expect_user_error([&] { state(with("5", "3"), "finished"); },
                    {"manifest.json", "the run was started with --epochs 3, not --epochs 5", "--out"});
  expect_user_error([&] { state(with("models/moe", "models/other"), "running"); },
                    {"`finetune models/other`, not `finetune models/moe`"});
  expect_user_error([&] { state(with("--regression", "--flag"), "running"); }, {"--flag, not no --flag"});
  EXPECT_EQ(state(with("5", "3"), "failed"), RunState::kLeftOver) << "a failed run may be mended";
}

}  // namespace
}  // namespace espalier
