#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "artifacts/bench_result.h"
#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kGolden = std::string(source_dir()) + "/tests/golden/";

TEST(Bench, TimesModelsSideBySide) {
  const TemporaryFolder folder;
  const auto out = (folder.path() / "bench.json").string();
  const ProgramRun run =
      run_program({"bench", kGolden + "bert", kGolden + "bert-classifier", "--batch", "2", "--seq-len", "16",
                   "--rounds", "3", "--round-seconds", "0.01", "--out", out});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("bert-classifier"));
  const auto result = read_bench_result(out);
  ASSERT_EQ(result.rows.size(), 2U);
  for (const auto& row : result.rows) {
    EXPECT_EQ(row.batch, 2);
    EXPECT_EQ(row.seq_len, 16);
    EXPECT_EQ(row.tokens_per_second.runs, 3);
    EXPECT_GT(row.tokens_per_second.min, 0.0);
    EXPECT_LE(row.tokens_per_second.min, row.tokens_per_second.median);
    EXPECT_LE(row.tokens_per_second.median, row.tokens_per_second.max);
    EXPECT_GT(row.peak_rss_bytes, 1000000U);
    EXPECT_GT(row.parameters, 1000U);
  }
}

TEST(Bench, SaysWhatIsWrongWithAModel) {
  const ProgramRun missing = run_program({"bench", "/nowhere/model"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("/nowhere/model"));
  const ProgramRun longer = run_program({"bench", kGolden + "bert", "--seq-len", "100000", "--batch", "1"});
  EXPECT_EQ(longer.exit_code, 2);
  EXPECT_THAT(longer.err, HasSubstr("--seq-len"));
}

}  // namespace
}  // namespace espalier
