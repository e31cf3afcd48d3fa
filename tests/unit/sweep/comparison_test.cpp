#include "sweep/comparison.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sweep/markdown_table.h"

namespace espalier {
namespace {

constexpr double kClose = 1e-9;
constexpr double kTableDigits = 2e-4;  // where t comes from a printed table

const SeedScores kDense{{1, 57.0}, {2, 58.0}, {3, 56.0}};
const SeedScores kMoe{{1, 63.0}, {2, 65.0}, {3, 61.0}};
const SeedScores kEager{{1, 61.0}, {2, 62.0}, {3, 60.0}};

TEST(Sample, HasTheDeviationOfASample) {
  const auto sample = sample_of(kMoe);
  EXPECT_EQ(sample.n, 3u);
  EXPECT_NEAR(sample.mean, 63.0, kClose);
  EXPECT_NEAR(sample.deviation.value(), 2.0, kClose);  // sqrt((0 + 4 + 4) / 2)
  EXPECT_FALSE(sample_of({{1, 5.0}}).deviation.has_value()) << "one score does not spread";
  EXPECT_TRUE(std::isnan(sample_of({}).mean));
}

TEST(PairedDifference, PairsBySeedAndTakesStudentsInterval) {
  const auto difference = paired_difference(kMoe, kDense);  // 6, 7, 5
  EXPECT_EQ(difference.n, 3u);
  EXPECT_NEAR(difference.mean, 6.0, kClose);
  EXPECT_NEAR(difference.half_width.value(), 4.3027 * 1.0 / std::sqrt(3.0), kTableDigits);
  EXPECT_TRUE(difference.excludes_zero());
}

TEST(PairedDifference, IsNotTheDifferenceOfUnpairedIntervals) {
  const SeedScores spread{{1, 10.0}, {2, 50.0}, {3, 90.0}}, above{{1, 11.0}, {2, 51.0}, {3, 91.0}};
  const auto difference = paired_difference(above, spread);
  EXPECT_NEAR(difference.mean, 1.0, kClose);
  EXPECT_NEAR(difference.half_width.value(), 0.0, kClose);
  EXPECT_TRUE(difference.excludes_zero());
}

TEST(PairedDifference, TakesTheCommonSeedsAlone) {
  const auto difference = paired_difference({{2, 5.0}, {3, 7.0}, {9, 100.0}}, {{1, 0.0}, {2, 1.0}, {3, 1.0}});
  EXPECT_EQ(difference.n, 2u);
  EXPECT_NEAR(difference.mean, 5.0, kClose);  // 4 and 6
  EXPECT_NEAR(difference.half_width.value(), 12.7062 * std::sqrt(2.0) / std::sqrt(2.0), kTableDigits);
  EXPECT_FALSE(difference.excludes_zero());
}

TEST(PairedDifference, HasNoIntervalOverOneSeedAndNoMeanOverNone) {
  const auto one = paired_difference({{1, 5.0}}, {{1, 3.0}});
  EXPECT_NEAR(one.mean, 2.0, kClose);
  EXPECT_FALSE(one.half_width.has_value());
  EXPECT_FALSE(one.excludes_zero());
  EXPECT_TRUE(std::isnan(paired_difference({{1, 5.0}}, {{2, 3.0}}).mean));
}

TEST(MeanOverTasks, TakesTheSeedsThatAllTasksHave) {
  const SeedScores tasks[] = {
      {{1, 10.0}, {2, 20.0}}, {{1, 30.0}, {2, 40.0}, {3, 99.0}}, {{2, 0.0}, {1, 50.0}}};
  EXPECT_EQ(mean_over_tasks(tasks), (SeedScores{{1, 30.0}, {2, 20.0}}));
  EXPECT_TRUE(mean_over_tasks({}).empty());
}

TEST(Kept, IsAShareOfTheReference) {
  EXPECT_NEAR(kept(kEager, kMoe).value(), 61.0 / 63.0, kClose);
  EXPECT_NEAR(kept({{3, 61.0}}, kMoe).value(), 1.0, kClose) << "over common seeds, not over all";
  EXPECT_FALSE(kept(kEager, {{1, 0.0}, {2, 0.0}}).has_value()) << "a share of nothing";
  EXPECT_FALSE(kept(kEager, {}).has_value());
}

TEST(BenefitKept, IsShownOnlyWhereThereIsABenefit) {
  EXPECT_NEAR(benefit_kept(kEager, kMoe, kDense).value(), 4.0 / 6.0, kClose);
  const SeedScores noisy{{1, 70.0}, {2, 50.0}, {3, 66.0}};  // 13, -8, 10: an interval around 0
  EXPECT_FALSE(benefit_kept(kEager, noisy, kDense).has_value());
  EXPECT_FALSE(benefit_kept(kEager, kDense, kMoe).has_value()) << "a loss is no benefit";
  EXPECT_FALSE(benefit_kept(kEager, {{1, 63.0}}, kDense).has_value()) << "one seed proves nothing";
}

RunScore run(const char* task, const char* setting, std::uint64_t seed, double score) {
  RunScore run{.task = task, .setting = setting, .seed = seed, .score = score};
  run.baselines["constant"] = task == std::string("cola") ? 0.0 : 50.0;
  if (task != std::string("stsb")) run.baselines["naive_bayes"] = 60.0;
  return run;
}

ComparisonLayout layout(std::vector<std::string> tasks) {
  return {tasks, {"dense", "moe"}, tasks, "moe", "dense"};
}

TEST(Compare, AveragesWithAndWithoutRte) {
  const auto comparison =
      compare(layout({"cola", "rte", "stsb"}),
              {run("cola", "dense", 1, 10), run("rte", "dense", 1, 20), run("stsb", "dense", 1, 60),
               run("cola", "dense", 2, 30), run("stsb", "dense", 2, 50), run("cola", "moe", 1, 11),
               run("rte", "moe", 1, 31), run("stsb", "moe", 1, 51)});
  ASSERT_EQ(comparison.rows.size(), 5u);
  const auto& with = comparison.rows[3];
  const auto& without = comparison.rows[4];
  EXPECT_EQ(with.name, "average");
  EXPECT_EQ(with.scores.at("dense"), (SeedScores{{1, 30.0}})) << "rte has no seed 2";
  EXPECT_EQ(with.scores.at("moe"), (SeedScores{{1, 31.0}}));
  EXPECT_EQ(without.name, "average_without_rte");
  EXPECT_EQ(without.scores.at("dense"), (SeedScores{{1, 35.0}, {2, 40.0}}));
  EXPECT_NEAR(with.baselines.at("constant"), 100.0 / 3, kClose);
  EXPECT_FALSE(with.baselines.contains("naive_bayes")) << "not all of the tasks have it";
}

TEST(Compare, LeavesOutAveragesOfOneTaskAndTasksThatAreNotAsked) {
  EXPECT_EQ(compare(layout({"rte"}), {}).rows.size(), 1u);
  EXPECT_EQ(compare(layout({"rte", "cola"}), {}).rows.size(), 3u) << "without rte there is one task left";
  auto asked = layout({"cola", "mrpc", "wordnet"});
  asked.average = {"cola", "mrpc"};
  const auto comparison = compare(asked, {run("cola", "moe", 1, 10), run("mrpc", "moe", 1, 20)});
  ASSERT_EQ(comparison.rows.size(), 4u);
  EXPECT_EQ(comparison.rows[3].scores.at("moe"), (SeedScores{{1, 15.0}}));
}

TEST(Compare, SubtractsTheReferenceAndDense) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  ComparisonLayout settings{{}, {"dense", "moe", "eager"}, {}, "moe", "dense"};
  EXPECT_EQ(compared_pairs(settings), (Pairs{{"eager", "moe"}, {"moe", "dense"}, {"eager", "dense"}}));
  settings.dense.reset();
  EXPECT_EQ(compared_pairs(settings), (Pairs{{"dense", "moe"}, {"eager", "moe"}}));
  settings.dense = settings.reference = "dense";
  EXPECT_EQ(compared_pairs(settings), (Pairs{{"moe", "dense"}, {"eager", "dense"}}));
}

TEST(DifferenceText, SeedsThatMakeNoDifferenceGiveNoInterval) {
  EXPECT_EQ(difference_text({3, -1.5, 0.0}), "-1.50");
  EXPECT_EQ(difference_text({3, -1.5, 0.5}), "**-1.50 [-2.00, -1.00]**");
  EXPECT_EQ(difference_text({1, -1.5, {}}), "-1.50");
}

}  // namespace
}  // namespace espalier
