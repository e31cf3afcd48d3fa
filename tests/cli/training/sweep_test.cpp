// A grid of runs as a user runs it: what it leaves, that it goes on after a kill, and that one run's failure
// is not the others'.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "artifacts/run_manifest.h"
#include "cli/running_program.h"
#include "cli/small_finetuning.h"

namespace espalier {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

class Sweep : public testing::Test {
 protected:
  /// Two settings of the task a word decides, two seeds; `more` goes into [options].
  std::string grid(const std::string& more = "steps = 8\n") const {
    return small_.folder.write("grid.toml", "tasks = [\"table\"]\nseeds = [1, 2]\ndata = \"" +
                                                small_.path("task") +
                                                "\"\n[options]\ntext-column = \"sentence\"\nbatch = 16\n"
                                                "learning-rate = 3e-3\nseq-len = 32\nmodel = \"" +
                                                small_.path("pretrained/model") + "\"\n" + more +
                                                "[settings.moe]\n[settings.eager]\nprune = \"eager\"\n");
  }
  Words sweep(const std::string& grid, const Words& more = {}) const {
    Words words{"sweep", grid, "--out", small_.path("out"), "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::filesystem::path run(const std::string& name) const { return small_.path("out/table/" + name); }
  std::string content(const std::string& file) const { return file_content(small_.path("out/" + file)); }
  RunManifest manifest(const std::string& name) const { return read_manifest(run(name) / "manifest.json"); }

  SmallFinetuning small_;
};

const char* const kRuns[] = {"moe/seed-1", "moe/seed-2", "eager/seed-1", "eager/seed-2"};

TEST_F(Sweep, RunsAllAndComparesThem) {
  const auto done = run_program(sweep(grid(), {"--jobs", "2"}));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("# grid.toml\n\n4 of 4 runs are finished."));
  EXPECT_THAT(done.out, HasSubstr("| table |     2 |"));
  EXPECT_THAT(done.out, HasSubstr("eager − moe"));
  EXPECT_EQ(done.out, content("sweep.md"));
  const auto json = nlohmann::json::parse(content("sweep.json"));
  EXPECT_EQ(json["format"], "espalier.sweep/1");
  ASSERT_EQ(json["runs"].size(), 4u);
  for (const std::string name : kRuns) {
    EXPECT_EQ(manifest(name).status, RunStatus::kFinished) << name;
    EXPECT_TRUE(std::filesystem::exists(run(name) / "eval.json")) << name;
    EXPECT_FALSE(std::filesystem::exists(run(name) / "model")) << name;
    EXPECT_FALSE(std::filesystem::exists(run(name) / "state.safetensors")) << name;
  }
  EXPECT_LT(manifest("eager/seed-1").parameters, manifest("moe/seed-1").parameters);
  EXPECT_NE(manifest("moe/seed-1").seed, manifest("moe/seed-2").seed);
}

TEST_F(Sweep, RepeatsNothingThatIsFinished) {
  const auto file = grid();
  ASSERT_EQ(run_program(sweep(file, {"--keep-models"})).exit_code, 0);
  const auto started = manifest("moe/seed-1").started_at;
  const auto table = content("sweep.md");
  EXPECT_TRUE(std::filesystem::exists(run("moe/seed-1") / "model/model.safetensors"));
  std::filesystem::remove_all(run("eager/seed-2"));
  const auto summary = run_program(sweep(file, {"--summary"}));
  EXPECT_EQ(summary.exit_code, 0) << summary.err;
  EXPECT_THAT(summary.out, HasSubstr("3 of 4 runs are finished"));
  EXPECT_FALSE(std::filesystem::exists(run("eager/seed-2")));
  EXPECT_EQ(run_program(sweep(file)).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(run("eager/seed-2") / "eval.json"));
  EXPECT_EQ(manifest("moe/seed-1").started_at, started);
  EXPECT_TRUE(std::filesystem::exists(run("moe/seed-1") / "model")) << "not this sweep's run to clear";
  EXPECT_EQ(content("sweep.md").substr(0, table.find("## Cost")), table.substr(0, table.find("## Cost")))
      << "the same seed gives the same score";
}

TEST_F(Sweep, KilledItGoesOnWhereItWas) {
  const auto file = grid("steps = 120\nlog-every = 5\nsave-every = 5\n");
  {
    RunningProgram program(sweep(file));
    const auto inside = [&] { return std::filesystem::exists(run("moe/seed-1") / "state.safetensors"); };
    ASSERT_TRUE(program.wait_until(inside)) << program.err();
    ASSERT_EQ(program.stop(SIGKILL), 128 + SIGKILL);
  }
  const auto resumed = run_program(sweep(file));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(manifest("moe/seed-1").command, testing::Contains("--resume"));
  EXPECT_THAT(manifest("moe/seed-2").command, Not(testing::Contains("--resume")));
  EXPECT_THAT(resumed.out, HasSubstr("4 of 4 runs are finished"));
}

TEST_F(Sweep, CtrlCLetsTheRunsSave) {
  const auto file = grid("steps = 2000\nlog-every = 5\nsave-every = 100000\n");
  RunningProgram program(sweep(file, {"--jobs", "2"}));
  const auto inside = [&] {
    return !file_content(run("moe/seed-1") / "metrics.jsonl").empty() &&
           !file_content(run("eager/seed-1") / "metrics.jsonl").empty();
  };
  ASSERT_TRUE(program.wait_until(inside)) << program.err();
  EXPECT_EQ(program.stop(SIGINT), 130) << program.err();
  EXPECT_THAT(program.err(), HasSubstr("stopped with 0 of 4 runs done"));
  for (const std::string name : {"moe/seed-1", "eager/seed-1"}) {
    EXPECT_EQ(manifest(name).status, RunStatus::kInterrupted) << name;
    EXPECT_TRUE(std::filesystem::exists(run(name) / "state.safetensors")) << name;
  }
}

TEST_F(Sweep, GoesOnPastARunThatFails) {
  const auto file = grid("steps = 8\n[settings.broken]\nmodel = \"" + small_.path("nowhere") + "\"\n");
  const auto done = run_program(sweep(file));
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_THAT(done.err, HasSubstr("error: 2 of 6 runs failed: table/broken/seed-1: "));
  EXPECT_THAT(done.err, HasSubstr("nowhere"));
  EXPECT_THAT(done.err, HasSubstr("table/broken/seed-1.log"));
  EXPECT_THAT(done.out, HasSubstr("4 of 6 runs are finished"));
}

TEST_F(Sweep, DryRunPrintsTheCommandsAndTouchesNothing) {
  const auto dry = run_program(sweep(grid(), {"--dry-run", "--jobs", "4"}));
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_EQ(std::count(dry.out.begin(), dry.out.end(), '\n'), 4);
  EXPECT_THAT(dry.out, HasSubstr(" --text-column sentence --prune eager --batch 16 --seq-len 32 --steps 8 "
                                 "--learning-rate 0.003 --seed 2 --threads 1 --out " +
                                 run("eager/seed-2").string()));
  EXPECT_FALSE(std::filesystem::exists(small_.path("out")));
}

TEST_F(Sweep, RefusesRunsOfOtherOptionsBeforeItStartsAny) {
  ASSERT_EQ(run_program(sweep(grid())).exit_code, 0);
  std::filesystem::remove_all(run("moe/seed-1"));
  const auto other = run_program(sweep(grid("steps = 9\n")));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("the run was started with --steps 8, not --steps 9"));
  EXPECT_FALSE(std::filesystem::exists(run("moe/seed-1")));
}

/// What stands in the grid's [options], and what the error must say.
struct BadOption {
  const char* text;
  const char* said;
};

TEST_F(Sweep, RunsWhoseCellsAreThereAreDone) {
  const auto cells = small_.path("cells");
  const auto first = run_program(sweep(grid(), {"--cells", cells}));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto table = content("sweep.md");
  std::filesystem::remove_all(small_.path("out"));
  std::filesystem::remove(cells + "/table/eager/seed-2.json");
  const auto again = run_program(sweep(grid(), {"--cells", cells}));
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_FALSE(std::filesystem::exists(run("moe/seed-1")));
  EXPECT_TRUE(std::filesystem::exists(run("eager/seed-2")));
  EXPECT_EQ(content("sweep.md").substr(0, table.find("## Cost")), table.substr(0, table.find("## Cost")));
  EXPECT_THAT(content("runs.csv"), HasSubstr("table,eager,2,"));
  EXPECT_THAT(content("figures/figure-6-eager-block-1.csv"), HasSubstr("expert 0,1,"));
  const auto other = run_program(sweep(grid("steps = 9\n"), {"--cells", cells}));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("the cell is of a run with --steps 8, not --steps 9"));
}

TEST_F(Sweep, StopsAtItsBudgetOfTokens) {
  const auto done =
      run_program(sweep(small_.folder.write("budget.toml", "token-budget = 1\n" + file_content(grid()))));
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("1 training tokens are used up: 3 runs are not started"));
  EXPECT_THAT(done.out, HasSubstr("1 of 4 runs are finished"));
}

TEST_F(Sweep, ASecondPassStartsFromTheModelOfTheFirst) {
  const auto file = grid("steps = 8\n[settings.second]\nafter = \"eager\"\n");
  const auto cells = small_.path("cells");
  const auto done = run_program(sweep(file, {"--cells", cells, "--jobs", "4"}));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(manifest("second/seed-1").parameters, manifest("eager/seed-1").parameters);
  EXPECT_THAT(file_content(run("second/seed-1.log")), HasSubstr("its classifier is kept"));
  EXPECT_FALSE(std::filesystem::exists(run("eager/seed-1") / "model"));
  const auto score = file_content(cells + "/table/second/seed-1.json");
  std::filesystem::remove(cells + "/table/second/seed-1.json");
  std::filesystem::remove_all(small_.path("out"));
  ASSERT_EQ(run_program(sweep(file, {"--cells", cells})).exit_code, 0)
      << "the first pass is run again for it";
  EXPECT_TRUE(std::filesystem::exists(run("eager/seed-1")));
  EXPECT_FALSE(std::filesystem::exists(run("eager/seed-2")));
  EXPECT_EQ(nlohmann::json::parse(file_content(cells + "/table/second/seed-1.json"))["eval"],
            nlohmann::json::parse(score)["eval"]);
}

TEST_F(Sweep, NamesWhatIsWrongWithAGridBeforeItStartsAnything) {
  const BadOption bad[] = {
      {"epocs = 3\n", "did you mean epochs?"},
      {"epochs = \"five\"\n", "table/moe/seed-1: --epochs: "},
      {"dropout = 2\n", "table/moe/seed-1: --dropout: "},
      {"overwrite = true\n", "options.overwrite: the sweep gives this option"},
      {"moe-layers = \"one\"\n", "moe-layers"},
      {"steps = [1, 2]\n", "options.steps: found a list"},
  };
  for (const auto& [text, said] : bad) {
    const auto refused = run_program(sweep(grid(text)));
    EXPECT_EQ(refused.exit_code, 2) << text;
    EXPECT_THAT(refused.err, HasSubstr(said)) << text;
    EXPECT_FALSE(std::filesystem::exists(small_.path("out"))) << text;
  }
  const auto absent = run_program({"sweep", small_.path("none.toml"), "--out", small_.path("out")});
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_THAT(absent.err, HasSubstr("none.toml: no such file"));
}

}  // namespace
}  // namespace espalier
