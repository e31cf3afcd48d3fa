// A grid of methods as a user runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/small_language_model.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SweepMethods, PrunesInEveryWayComparesAndRepeatsNothing) {
  const TemporaryFolder folder;
  const std::string model = golden_with_tokenizer(folder, "qwen3-moe");
  folder.write("a.txt", "One two three four five.\n\nSix seven eight nine ten.\n");
  folder.write("b.txt", "Eleven twelve thirteen.\n\nFourteen fifteen sixteen.\n");
  const auto path = [&](const char* name) { return (folder / name).string(); };
  const std::string grid = folder.write(
      "grid.toml", "model = \"" + model + "\"\nkeep = [0.5, 1.0]\nseeds = [1, 2]\n[calibration]\na = \"" +
                       path("a.txt") + "\"\nb = \"" + path("b.txt") +
                       "\"\n[mixtures]\nab = [\"a\", \"b\"]\n" + "[evaluation]\nb = \"" + path("b.txt") +
                       "\"\n[observe]\nsamples = 2\nseq-len = 16\n" +
                       "[options]\neval-seq-len = 16\n[methods.reap]\ncriterion = \"reap\"\n" +
                       "[methods.random]\ncriterion = \"random\"\n");
  const std::vector<std::string> command{"sweep", grid, "--out", path("out"), "--threads", "1"};
  const ProgramRun run = run_program(command);
  ASSERT_EQ(run.exit_code, 0) << run.err << run.out;
  const auto json = nlohmann::json::parse(file_content(path("out/sweep.json")));
  EXPECT_EQ(json.at("finished"), 3 * 2 * 2 + 2 * 2);
  for (const auto& one : json.at("runs")) {
    if (one.at("keep") == "1.0") {
      EXPECT_EQ(one.at("texts").at("b").at("kl_divergence"), 0.0);
    } else {
      EXPECT_GT(one.at("texts").at("b").at("kl_divergence"), 0.0);
    }
  }
  EXPECT_TRUE(std::filesystem::exists(path("out/ab/0.5/reap/seed-2/plan.json")));
  EXPECT_FALSE(std::filesystem::exists(path("out/ab/0.5/reap/seed-2/model")));
  EXPECT_EQ(run.out, file_content(path("out/sweep.md")));
  const auto dry = command;
  const auto before = std::filesystem::last_write_time(path("out/a/0.5/reap/seed-1/manifest.json"));
  const ProgramRun again = run_program(dry);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, run.out);
  EXPECT_EQ(std::filesystem::last_write_time(path("out/a/0.5/reap/seed-1/manifest.json")), before);
  const auto status = [&] {
    return nlohmann::json::parse(file_content(path("out/manifest.json"))).at("status");
  };
  EXPECT_EQ(status(), "finished");
  std::filesystem::remove_all(path("out/ab/0.5/reap/seed-2"));
  ASSERT_EQ(run_program({"sweep", grid, "--out", path("out"), "--summary"}).exit_code, 0);
  EXPECT_EQ(status(), "interrupted") << "one run is missing";
  const ProgramRun drawn =
      run_program({"report", path("out"), "--out", path("out.html"), "--figures", path("figures")});
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  const auto svg = file_content(path("figures/perplexity-0.svg"));
  EXPECT_THAT(svg, HasSubstr("Perplexity on b"));
  EXPECT_THAT(svg, HasSubstr(">reap</text>"));
}

TEST(SweepMethods, RefusesWhatPruneWouldRefuseBeforeItStarts) {
  const TemporaryFolder folder;
  const std::string text = folder.write("a.txt", "One two three.\n");
  for (const auto& [method, said] : {std::pair{"criterion = \"reapp\"", "did you mean reap"},
                                     std::pair{"action = \"merg\"", "did you mean merge"}}) {
    const std::string grid =
        folder.write("grid.toml", "model = \"" + source_dir() +
                                      "/tests/golden/mixtral\"\nkeep = 2\nseeds = [1]\n"
                                      "[calibration]\na = \"" +
                                      text + "\"\n[evaluation]\nb = \"" + text + "\"\n[methods.reap]\n" +
                                      std::string(method) + "\n");
    const ProgramRun run = run_program({"sweep", grid, "--out", (folder / "out").string()});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(said));
    EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  }
}

TEST(SweepMethods, WhatACellDependsOnIsNotTakenForTheSame) {
  const TemporaryFolder folder;
  const std::string model = golden_with_tokenizer(folder, "qwen3-moe");
  const auto path = [&](const char* name) { return (folder / name).string(); };
  folder.write("a.txt", "One two three four five.\n\nSix seven eight nine ten.\n");
  folder.write("b.txt", "Eleven twelve thirteen.\n\nFourteen fifteen sixteen.\n");
  const auto grid = [&](const char* samples) {
    return folder.write("grid.toml",
                        "model = \"" + model + "\"\nkeep = [0.5]\nseeds = [1]\n[calibration]\na = \"" +
                            path("a.txt") + "\"\n[evaluation]\nb = \"" + path("b.txt") +
                            "\"\n[observe]\nseq-len = 8\nsamples = " + samples +
                            "\n[options]\neval-seq-len = 16\n[methods.reap]\ncriterion = \"reap\"\n");
  };
  const auto sweep = [&](const char* samples, const char* out) {
    const ProgramRun run = run_program({"sweep", grid(samples), "--out", path(out), "--threads", "1"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return file_content((folder / out) / "observations/a/seed-1.safetensors");
  };
  const std::string one = sweep("1", "out");
  EXPECT_EQ(sweep("1", "out"), one);
  const std::string four = sweep("4", "out");
  EXPECT_NE(four, one) << "other options of the calibration run";
  EXPECT_EQ(four, sweep("4", "fresh"));
  EXPECT_EQ(file_content(path("out/a/0.5/reap/seed-1/scores.json")),
            file_content(path("fresh/a/0.5/reap/seed-1/scores.json")));
  folder.write("a.txt", "Seven eight.\n\nNine ten eleven twelve thirteen fourteen.\n");
  EXPECT_NE(sweep("4", "out"), four) << "another text";
  const auto measured = [&] { return file_content(path("out/a/0.5/reap/seed-1/compare-b.json")); };
  const std::string before = measured();
  folder.write("b.txt", "Another text to measure on, and a longer one.\n");
  sweep("4", "out");
  EXPECT_NE(measured(), before);
}

}  // namespace
}  // namespace espalier
