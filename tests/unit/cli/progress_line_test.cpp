#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/terminal.h"

namespace espalier {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int kWide = 200;

TEST(ProgressLine, ShowsShareRateAndTimeLeft) {
  const Progress progress{
      .what = "pretraining", .done = 500, .total = 2000, .unit = "steps", .detail = "loss 3.2"};
  EXPECT_EQ(progress_line(progress, 250, 0, kWide),
            "pretraining   25% [=====>              ] 500/2,000 steps  2.00 steps/s  12m30s left  loss 3.2");
}

TEST(ProgressLine, CountsTheRateOfAResumedRunFromWhereItResumed) {
  const Progress progress{.what = "pretraining", .done = 600, .total = 1000, .unit = "steps"};
  EXPECT_THAT(progress_line(progress, 100, 500, kWide), HasSubstr("1.00 steps/s  6m40s left"));
}

TEST(ProgressLine, CountsWhatIsSlowByTheHour) {
  const Progress progress{.what = "sweep", .done = 2, .total = 12, .unit = "runs"};
  EXPECT_THAT(progress_line(progress, 720, 0, kWide), HasSubstr("2/12 runs  10.0 runs/h  1h00m left"));
}

TEST(ProgressLine, HasNeitherBarNorTimeLeftWithoutATotal) {
  const Progress progress{.what = "tokenizing", .done = 12345678, .unit = "bytes"};
  EXPECT_EQ(progress_line(progress, 2, 0, kWide), "tokenizing  12,345,678 bytes  6.2 M bytes/s");
}

TEST(ProgressLine, GivesNoRateTooEarly) {
  const Progress progress{.what = "work", .done = 1, .total = 2, .unit = "steps"};
  EXPECT_THAT(progress_line(progress, 0.01, 0, kWide), Not(HasSubstr("/s")));
}

TEST(ProgressLine, FillsTheBarAtTheEndAndNeverOverfillsIt) {
  const Progress done{.what = "work", .done = 7, .total = 7, .unit = "steps"};
  EXPECT_THAT(progress_line(done, 1, 0, kWide), HasSubstr("100% [====================] 7/7"));
  const Progress over{.what = "work", .done = 9, .total = 7, .unit = "steps"};
  EXPECT_THAT(progress_line(over, 1, 0, kWide), HasSubstr("100% [====================] 9/7"));
}

TEST(ProgressLine, FitsTheTerminal) {
  const Progress progress{.what = "pretraining", .done = 1, .total = 2, .unit = "steps"};
  EXPECT_EQ(progress_line(progress, 1, 0, 30).size(), 30u);
  EXPECT_EQ(progress_line(progress, 1, 0, -1), "");
}

TEST(DurationText, ChoosesTwoUnits) {
  EXPECT_EQ(duration_text(59.4), "59s");
  EXPECT_EQ(duration_text(61), "1m01s");
  EXPECT_EQ(duration_text(3700), "1h01m");
}

TEST(GroupedText, SeparatesThousands) {
  EXPECT_EQ(grouped_text(0), "0");
  EXPECT_EQ(grouped_text(999), "999");
  EXPECT_EQ(grouped_text(1000), "1,000");
  EXPECT_EQ(grouped_text(1234567), "1,234,567");
}

}  // namespace
}  // namespace espalier
