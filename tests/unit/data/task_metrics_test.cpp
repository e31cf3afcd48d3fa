#include "data/task_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"

namespace espalier {
namespace {

constexpr double kRounding = 1e-12;  // sums of a few numbers of order 1

using Classes = std::vector<int>;
using Values = std::vector<double>;

// tp 3, fp 1, fn 1, tn 3.
const Classes kGold{1, 1, 0, 0, 1, 1, 0, 0};
const Classes kPredicted{1, 1, 1, 0, 0, 1, 0, 0};

TEST(TaskMetrics, TwoLabels) {
  EXPECT_DOUBLE_EQ(accuracy(kPredicted, kGold), 0.75);
  EXPECT_DOUBLE_EQ(f1(kPredicted, kGold, 1), 0.75);  // 2*3 / (2*3 + 1 + 1)
  // (tp tn - fp fn) / sqrt((tp+fp)(tp+fn)(tn+fp)(tn+fn)) = (9 - 1) / sqrt(4*4*4*4)
  EXPECT_NEAR(matthews(kPredicted, kGold), 0.5, kRounding);
  // tp 1, fp 0, fn 2, tn 1: f1 2/4; matthews 1*1 / sqrt(1*3*1*3)
  EXPECT_DOUBLE_EQ(f1(Classes{1, 0, 0, 0}, Classes{1, 1, 1, 0}, 1), 0.5);
  EXPECT_DOUBLE_EQ(f1(Classes{1, 0, 0, 0}, Classes{1, 1, 1, 0}, 0), 0.5);  // tp 1, fp 2, fn 0
  EXPECT_NEAR(matthews(Classes{1, 0, 0, 0}, Classes{1, 1, 1, 0}), 1.0 / 3, kRounding);
}

TEST(TaskMetrics, MatthewsOfManyLabels) {
  // c 4 of s 6, p (2, 3, 1), t (2, 2, 2): (24 - 12) / sqrt((36 - 14)(36 - 12))
  EXPECT_NEAR(matthews(Classes{0, 1, 1, 1, 2, 0}, Classes{0, 0, 1, 1, 2, 2}), 12 / std::sqrt(22.0 * 24.0),
              kRounding);
  EXPECT_NEAR(matthews(Classes{2, 0, 1}, Classes{2, 0, 1}), 1, kRounding);
  EXPECT_NEAR(matthews(Classes{0, 1}, Classes{1, 0}), -1, kRounding);
}

TEST(TaskMetrics, ConstantPredictionsScoreZero) {
  EXPECT_EQ(matthews(Classes{1, 1, 1}, Classes{1, 0, 1}), 0);
  EXPECT_EQ(matthews(Classes{1, 0, 1}, Classes{1, 1, 1}), 0);
  EXPECT_EQ(f1(Classes{0, 0}, Classes{1, 0}, 1), 0);
  EXPECT_EQ(f1(Classes{0, 0}, Classes{0, 0}, 1), 0);
  // Three tenths do not sum to a mean of exactly 0.1: a variance would not be 0.
  EXPECT_EQ(pearson(Values{0.1, 0.1, 0.1}, Values{1, 2, 3}), 0);
  EXPECT_EQ(spearman(Values{0.1, 0.1, 0.1}, Values{1, 2, 3}), 0);
  EXPECT_EQ(pearson(Values{1, 2, 3}, Values{0.1, 0.1, 0.1}), 0);
}

TEST(TaskMetrics, Correlations) {
  // means 2.5 and 2.75; products 2.625 - 0.125 - 0.375 + 3.375 = 5.5; squares 5 and 8.75
  EXPECT_NEAR(pearson(Values{1, 2, 3, 4}, Values{1, 3, 2, 5}), 5.5 / std::sqrt(5 * 8.75), kRounding);
  EXPECT_NEAR(spearman(Values{1, 2, 3, 4}, Values{1, 3, 2, 5}), 0.8, kRounding);  // 1 - 6*2 / (4*15)
  EXPECT_NEAR(pearson(Values{1, 2, 3}, Values{-10, -20, -30}), -1, kRounding);
  EXPECT_NEAR(spearman(Values{1, 2, 3}, Values{1, 10, 1000}), 1, kRounding);
}

TEST(TaskMetrics, EqualValuesShareTheirMeanRank) {
  // ranks 1, 2.5, 2.5, 4 and 1, 2, 3.5, 3.5: 3.75 / sqrt(4.5 * 4.5)
  EXPECT_NEAR(spearman(Values{1, 2, 2, 4}, Values{10, 20, 30, 30}), 3.75 / 4.5, kRounding);
}

TEST(TaskMetrics, NumbersThatAreNotFiniteAreNotScored) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_TRUE(std::isnan(pearson(Values{1, bad, 3}, Values{1, 2, 3})));
    EXPECT_TRUE(std::isnan(spearman(Values{1, bad, 3}, Values{1, 2, 3})));
  }
}

TEST(TaskMetrics, EveryTaskIsMeasuredAsItsRowSays) {
  for (const auto& row : all_tasks()) {
    SCOPED_TRACE(row.name);
    auto task = row;
    if (task.name == "table") task.labels = {"0", "1"};
    const auto metrics = task.kind == TaskKind::kRegression
                             ? task_metrics(task, Values{1, 2, 4}, Values{1, 2, 3})
                             : task_metrics(task, kPredicted, kGold);
    EXPECT_EQ(metrics.size(), task.metrics.size());
    for (const auto& name : task.metrics) EXPECT_TRUE(metrics.contains(name)) << name;
    EXPECT_TRUE(std::isfinite(primary_metric(task, metrics)));
  }
}

TEST(TaskMetrics, PrimaryMetrics) {
  const Metrics all{{"accuracy", 0.9}, {"f1", 0.7}, {"matthews", 0.5}, {"pearson", 0.8}, {"spearman", 0.6}};
  EXPECT_DOUBLE_EQ(primary_metric(find_task("cola"), all), 0.5);
  EXPECT_DOUBLE_EQ(primary_metric(find_task("mrpc"), all), 0.8);
  EXPECT_DOUBLE_EQ(primary_metric(find_task("stsb"), all), 0.7);
  for (const char* name : {"sst2", "rte", "qnli", "mnli", "qqp", "wordnet", "table"}) {
    EXPECT_DOUBLE_EQ(primary_metric(find_task(name), all), 0.9) << name;
  }
  EXPECT_THROW(primary_metric(find_task("cola"), {{"accuracy", 1}}), InternalError);
}

TEST(TaskMetrics, F1FollowsItsLabelWhateverItsNumber) {
  auto turned = find_task("mrpc");
  std::swap(turned.labels[0], turned.labels[1]);
  const Classes gold{0, 0, 0, 1}, predicted{0, 1, 1, 1};  // 0 is now "1": tp 1, fp 0, fn 2
  EXPECT_DOUBLE_EQ(task_metrics(turned, predicted, gold).at("f1"), 0.5);
  EXPECT_DOUBLE_EQ(task_metrics(find_task("mrpc"), Classes{1, 1, 1, 0}, Classes{1, 0, 0, 0}).at("f1"), 0.5);
}

TEST(TaskMetrics, SizesThatDifferAreAFaultOfOurs) {
  EXPECT_THROW(accuracy(Classes{1}, Classes{1, 0}), InternalError);
  EXPECT_THROW(pearson(Values{}, Values{}), InternalError);
}

}  // namespace
}  // namespace espalier
