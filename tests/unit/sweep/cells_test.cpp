#include "sweep/cells.h"

#include <gtest/gtest.h>

#include "artifacts/run_manifest.h"
#include "sweep/finished_runs.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"
#include "unit/sweep/small_grid.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

/// A run of the small grid, finished in its folder or not, and where its cell goes.
class Cells : public testing::Test {
 protected:
  Cells() {
    run_.arguments = {"finetune", "models/moe", "--task", "rte",    "--data",
                      "glue",     "--epochs",   "5",      "--seed", "1"};
    run_.cell = cell_file(folder_.path() / "cells", run_);
  }

  void finish() {
    RunManifest manifest;
    manifest.verb = "finetune";
    manifest.command = command_of(run_, RunState::kNew, "espalier", 1);
    manifest.status = RunStatus::kFinished;
    manifest.started_at = utc_now();
    manifest.options["starting_weights_sha256"] = "ab";
    std::filesystem::create_directories(run_.folder);
    write_manifest(run_.folder / "manifest.json", manifest);
    write_eval_result(run_.folder / "eval.json", {"rte", "dev", 277, {{"accuracy", 0.5}}, {}, {}});
    folder_.write("out/rte/moe/seed-1/metrics.jsonl", metrics_line_to_json({.step = 8, .tokens = 321}));
  }

  TemporaryFolder folder_;
  GridRun run_ = runs_of(parse_small_grid(kSmallGrid), folder_.path() / "out")[0];
};

TEST_F(Cells, AreWrittenOfFinishedRunsAndStandForThem) {
  EXPECT_FALSE(finished_cell(run_).has_value());
  finish();
  EXPECT_EQ(keep_cell(run_), 321);
  EXPECT_EQ(run_.cell, folder_.path() / "cells/rte/moe/seed-1.json");
  std::filesystem::remove_all(folder_.path() / "out");
  const auto cell = finished_cell(run_);
  ASSERT_TRUE(cell.has_value());
  EXPECT_EQ(cell->weights_sha256, "ab");
  EXPECT_EQ(score_of(*cell).score, 50);
  EXPECT_EQ(tokens_of_cells(folder_.path() / "cells"), 321);
  EXPECT_EQ(tokens_of_cells(folder_.path() / "none"), 0);
}

TEST_F(Cells, DoNotDependOnWhereTheModelAndTheDataAre) {
  finish();
  keep_cell(run_);
  run_.arguments[1] = "elsewhere/moe";
  run_.arguments[5] = "other/glue";
  EXPECT_TRUE(finished_cell(run_).has_value());
  run_.arguments[7] = "3";
  expect_user_error([&] { finished_cell(run_); },
                    {"seed-1.json", "the cell is of a run with --epochs 5, not --epochs 3", "--cells"});
}

TEST_F(Cells, OfAnotherRunAreRefused) {
  finish();
  keep_cell(run_);
  run_.seed = 2;
  expect_user_error([&] { finished_cell(run_); }, {"the cell is rte/moe/seed-1, expected rte/moe/seed-2"});
}

}  // namespace
}  // namespace espalier
