#include "artifacts/metrics.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/files.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

class MetricsFile : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("espalier_metrics_") + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path file() const { return folder_ / "metrics.jsonl"; }

 private:
  fs::path folder_;
};

MetricsLine line_at(std::int64_t step) {
  MetricsLine line;
  line.step = step;
  line.loss = 1.0 / static_cast<double>(step + 1);
  line.mlm_loss = line.loss - 0.01;
  line.balance_loss = 1.0;
  line.lr = 5e-4;
  line.tokens = step * 4096;
  line.tokens_per_second = 12345.678;
  line.grad_norm = 0.1;  // not exact in binary: it must survive the text
  line.seconds = 0.3 * static_cast<double>(step);
  line.rss_bytes = 123'456'789'012;
  line.survivors = {{1, 8}, {10, 4}};
  line.expert_load = {{1, {0.25, 0.75}}, {10, {1, 0}}};
  return line;
}

void append_bytes(const fs::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary | std::ios::app) << bytes;
}

TEST_F(MetricsFile, WrittenLinesAreReadBackExactly) {
  MetricsLine second = line_at(20);
  second.valid_loss = 2.5;
  second.balance_loss.reset();
  {
    MetricsWriter writer(file());
    writer.append(line_at(10));
    writer.append(second);
  }
  const auto lines = read_metrics(file());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(metrics_line_to_json(lines[0]), metrics_line_to_json(line_at(10)));
  EXPECT_EQ(lines[0].grad_norm, 0.1);
  EXPECT_EQ(lines[0].rss_bytes, 123'456'789'012u);
  EXPECT_EQ(lines[0].survivors, (std::map<int, int>{{1, 8}, {10, 4}}));
  EXPECT_EQ(lines[0].expert_load.at(10), (std::vector<double>{1, 0}));
  EXPECT_FALSE(lines[0].valid_loss);
  EXPECT_EQ(lines[1].valid_loss, 2.5);
  EXPECT_FALSE(lines[1].balance_loss);
}

TEST_F(MetricsFile, ANumberThatIsNotFiniteIsNull) {
  MetricsLine line = line_at(1);
  line.loss = std::nan("");
  line.grad_norm = INFINITY;
  const std::string text = metrics_line_to_json(line);
  EXPECT_NE(text.find("\"loss\":null"), std::string::npos) << text;
  const MetricsLine back = metrics_line_from_json(text, "line");
  EXPECT_TRUE(std::isnan(back.loss));
  EXPECT_FALSE(back.grad_norm);
}

TEST_F(MetricsFile, WithoutResumeTheFileStartsEmpty) {
  MetricsWriter(file()).append(line_at(10));
  MetricsWriter(file()).append(line_at(5));
  const auto lines = read_metrics(file());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].step, 5);
}

TEST_F(MetricsFile, ResumeCutsLinesAfterTheStepAndATornOne) {
  {
    MetricsWriter writer(file());
    for (int step : {10, 20, 30}) writer.append(line_at(step));
  }
  append_bytes(file(), R"({"format":"espalier.metrics/1","st)");
  {
    MetricsWriter writer(file(), 25);
    writer.append(line_at(30));
  }
  std::string expected;
  for (int step : {10, 20, 30}) expected += metrics_line_to_json(line_at(step));
  EXPECT_EQ(read_file(file()), expected);
}

TEST_F(MetricsFile, ResumeKeepsTheLineOfItsOwnStep) {
  MetricsWriter(file()).append(line_at(10));
  { MetricsWriter writer(file(), 10); }
  EXPECT_EQ(read_metrics(file()).size(), 1u);
}

TEST_F(MetricsFile, ResumeWithoutAFileStartsEmpty) {
  MetricsWriter(file(), 100).append(line_at(101));
  EXPECT_EQ(read_metrics(file()).size(), 1u);
}

TEST_F(MetricsFile, ATornLastLineIsLeftOut) {
  MetricsWriter(file()).append(line_at(10));
  append_bytes(file(), metrics_line_to_json(line_at(20)).substr(0, 50));
  EXPECT_EQ(read_metrics(file()).size(), 1u);
}

TEST_F(MetricsFile, StepsMustGrow) {
  {
    MetricsWriter writer(file());
    writer.append(line_at(10));
    EXPECT_THROW(writer.append(line_at(10)), InternalError);
  }
  {
    MetricsWriter writer(file(), 10);
    EXPECT_THROW(writer.append(line_at(9)), InternalError);
  }
  append_bytes(file(), metrics_line_to_json(line_at(10)));
  try {
    read_metrics(file());
    FAIL() << "a repeated step was read";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("metrics.jsonl:2: step 10 after step 10"), std::string::npos)
        << error.what();
  }
}

TEST_F(MetricsFile, AFullDiskIsAUserErrorAndLeavesNoTornLine) {
  // A limit on the file's size behaves as a full disk does: part of the line is written, then no more.
  MetricsWriter writer(file());
  writer.append(line_at(10));
  const std::string before = read_file(file());
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{before.size() + 20, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(writer.append(line_at(20)), UserError);
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_file(file()), before);
  writer.append(line_at(20));  // there is space again
  EXPECT_EQ(read_metrics(file()).size(), 2u);
}

TEST_F(MetricsFile, AnUnwritableFileIsAUserError) {
  EXPECT_THROW(MetricsWriter(file().parent_path() / "absent" / "metrics.jsonl"), UserError);
}

}  // namespace
}  // namespace espalier
