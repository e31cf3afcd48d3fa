#include "artifacts/run_folder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>

#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

RunManifest manifest() {
  RunManifest manifest;
  manifest.verb = "pretrain";
  manifest.command = {"espalier", "pretrain", "mini.json", "--text", "a \"b\".txt"};
  manifest.status = RunStatus::kInterrupted;
  manifest.message = "Ctrl-C at step 12";
  manifest.started_at = "2025-01-31T23:59:59Z";
  manifest.options = {{"lr", 5e-4}, {"text", {"a.txt", "b.txt"}}, {"moe", {{"layers", {1, 3}}}}};
  manifest.versions = {{"espalier", "0.1.0"}, {"torch", "1.13"}};
  manifest.seed = 18'446'744'073'709'551'615u;
  manifest.machine = {.cpu = "A CPU", .threads = 2, .memory_bytes = 1ull << 35};
  manifest.parameters = 5'000'000;
  manifest.timings_seconds = {{"train", 12.5}, {"validate", 0.25}};
  manifest.peak_rss_bytes = 1ull << 33;
  return manifest;
}

class RunFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("espalier_run_") + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(RunFolderTest, AManifestIsReadBack) {
  write_manifest(folder_ / "manifest.json", manifest());
  const RunManifest back = read_manifest(folder_ / "manifest.json");
  EXPECT_EQ(manifest_to_json(back), manifest_to_json(manifest()));
  EXPECT_EQ(back.seed, 18'446'744'073'709'551'615u);
  EXPECT_EQ(back.options, manifest().options);
  EXPECT_EQ(back.status, RunStatus::kInterrupted);
  EXPECT_EQ(back.message, "Ctrl-C at step 12");
  EXPECT_FALSE(back.active_parameters);
}

TEST_F(RunFolderTest, ACommandThatIsNotUtf8IsStillWritten) {
  RunManifest odd = manifest();
  odd.command.push_back("caf\xe9.txt");
  const RunManifest back = manifest_from_json(manifest_to_json(odd), "manifest");
  EXPECT_EQ(back.command.back(), "caf\xef\xbf\xbd.txt");
}

TEST_F(RunFolderTest, ReadsWhatIsThere) {
  write_manifest(folder_ / "manifest.json", manifest());
  RunFolder run = read_run_folder(folder_ / "");
  EXPECT_EQ(run.name, folder_.filename().string());
  EXPECT_TRUE(run.metrics.empty());
  EXPECT_FALSE(run.eval);
  EXPECT_FALSE(run.bench);

  const EvalResult eval{
      .task = "sst2",
      .split = "dev",
      .examples = 872,
      .metrics = {{"accuracy", 0.81}, {"f1", NAN}},
      .baselines = {{"largest_class", {{"accuracy", 0.51}, {"f1", NAN}}}, {"naive_bayes", {}}}};
  write_eval_result(folder_ / "eval.json", eval);
  BenchRow row{.model = "mini", .threads = 2, .batch = 32, .seq_len = 128};
  row.tokens_per_second = {.median = 4000.5, .min = 3900, .max = 4100, .runs = 5};
  row.peak_rss_bytes = 1 << 30;
  row.parameters = 123;
  write_bench_result(folder_ / "bench.json", BenchResult{{row, row}});
  MetricsWriter(folder_ / "metrics.jsonl").append(MetricsLine{.step = 7});

  run = read_run_folder(folder_);
  ASSERT_EQ(run.metrics.size(), 1u);
  EXPECT_EQ(run.metrics[0].step, 7);
  EXPECT_EQ(eval_result_to_json(run.eval.value()), eval_result_to_json(eval));
  EXPECT_EQ(run.eval->metrics.at("accuracy"), 0.81);
  EXPECT_EQ(run.eval->baselines.at("largest_class").at("accuracy"), 0.51);
  EXPECT_EQ(bench_result_to_json(run.bench.value()), bench_result_to_json(BenchResult{{row, row}}));
  EXPECT_EQ(run.bench->rows[1].tokens_per_second.median, 4000.5);
}

Scores scores_of_window(std::int64_t window) {
  Scores scores;
  scores.criterion = "alpha";
  scores.window = ScoreWindow{.index = window, .first_step = window, .last_step = window, .tokens = 9};
  scores.layers = {{.layer = 1, .scores = {0.25, 0.75}, .tokens = {2, 7}, .original = {0, 1}}};
  return scores;
}

Plan plan_of_window(std::int64_t window) {
  Plan plan;
  plan.provenance = {.criterion = "alpha", .schedule = "eager", .seed = 1, .window = window, .step = window};
  plan.layers = {{.layer = 1, .num_experts_before = 2, .keep = {1}}};
  return plan;
}

TEST_F(RunFolderTest, ReadsTheWindowsByTheirNumbers) {
  write_manifest(folder_ / "manifest.json", manifest());
  for (int window = 0; window <= 1000; ++window) {  // past three digits: 1000 stands before 999 by name
    std::ofstream(folder_ / fmt::format("scores-{:03}.json", window))
        << scores_to_json(scores_of_window(window + 1));
  }
  for (const int window : {1, 0}) {
    write_plan(folder_ / fmt::format("plan-{:03}.json", window), plan_of_window(window + 1));
  }
  for (const char* other : {"scores-1.json", "scores-.json", "scores-00x.json", "scores-001.json.tmp",
                            "plan.json", "scores-0000.json", "plan-9999999999.json"}) {
    write_file(folder_ / other, "not ours");
  }
  const RunFolder run = read_run_folder(folder_);
  ASSERT_EQ(run.scores.size(), 1001u);
  for (std::size_t i = 0; i < run.scores.size(); ++i) EXPECT_EQ(run.scores[i].window->index, i + 1);
  ASSERT_EQ(run.plans.size(), 2u);
  EXPECT_EQ(run.plans[0].provenance.window, 1);
  EXPECT_EQ(run.plans[1].provenance.window, 2);
}

TEST_F(RunFolderTest, AWindowThatIsDamagedOrMissingIsAUserError) {
  write_manifest(folder_ / "manifest.json", manifest());
  write_scores(folder_ / "scores-000.json", scores_of_window(1));
  write_scores(folder_ / "scores-002.json", scores_of_window(3));
  EXPECT_THAT([&] { read_run_folder(folder_); },
              testing::ThrowsMessage<UserError>(testing::HasSubstr("scores-001.json is missing")));
  write_file(folder_ / "scores-001.json", "{\"format\": \"espalier.scores/1\"");
  EXPECT_THAT([&] { read_run_folder(folder_); },
              testing::ThrowsMessage<UserError>(testing::HasSubstr("scores-001.json:1:")));
  write_scores(folder_ / "scores-001.json", scores_of_window(2));
  write_file(folder_ / "plan-000.json", scores_to_json(scores_of_window(1)));
  EXPECT_THAT([&] { read_run_folder(folder_); }, testing::ThrowsMessage<UserError>(testing::HasSubstr(
                                                     "plan-000.json: format: found \"espalier.scores/1\"")));
}

TEST_F(RunFolderTest, AFolderWithoutAManifestIsAUserError) {
  EXPECT_THROW(read_run_folder(folder_), UserError);
  EXPECT_THROW(read_run_folder(folder_ / "absent"), UserError);
}

TEST(UtcNow, IsATimestamp) {
  EXPECT_TRUE(std::regex_match(utc_now(), std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)"))) << utc_now();
}

}  // namespace
}  // namespace espalier
