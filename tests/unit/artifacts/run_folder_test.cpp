#include "artifacts/run_folder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
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
      .task = "sst2", .split = "dev", .examples = 872, .metrics = {{"accuracy", 0.81}, {"f1", NAN}}};
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
  EXPECT_EQ(bench_result_to_json(run.bench.value()), bench_result_to_json(BenchResult{{row, row}}));
  EXPECT_EQ(run.bench->rows[1].tokens_per_second.median, 4000.5);
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
