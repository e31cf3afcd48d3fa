#include "data/baselines.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TaskSplit split(std::vector<Example> examples, const char* task = "sst2") {
  return {.task = find_task(task), .labelled = true, .examples = std::move(examples)};
}

double bayes_label(const TaskSplit& train, const char* text) {
  // The accuracy against label 1 is the label.
  return naive_bayes_baseline(train, split({{.first = text, .label = 1}})).metrics.at("accuracy");
}

TEST(Baselines, TheLargestClassOfTheTrainingSplit) {
  const auto train =
      split({{.first = "a", .label = 1}, {.first = "b", .label = 0}, {.first = "c", .label = 1}});
  const auto dev = split({{.first = "d", .label = 1},
                          {.first = "e", .label = 0},
                          {.first = "f", .label = 0},
                          {.first = "g", .label = 0}});
  const auto found = constant_baseline(train, dev);
  EXPECT_EQ(found.name, "largest_class");
  EXPECT_DOUBLE_EQ(found.metrics.at("accuracy"), 0.25);
  const auto even = split({{.first = "a", .label = 1}, {.first = "b", .label = 0}});
  EXPECT_DOUBLE_EQ(constant_baseline(even, dev).metrics.at("accuracy"), 0.75) << "of equals the first";
}

TEST(Baselines, NaiveBayesByHand) {
  // V = 6 (good, film, bad, good film, bad film, good good). Label 1: P 2/3, 6 terms: good 3 and one each of
  // film, good film, good good. Label 0: P 1/3, 3 terms: bad, film, bad film. Denominators 6.6 and 3.6.
  const auto train = split({{.first = "good film", .label = 1},
                            {.first = "bad film", .label = 0},
                            {.first = "Good good", .label = 1}});
  // 2/3 (0.1 3.1 1.1 1.1)/6.6^4 = 1.3e-4 against 1/3 (1.1 0.1 1.1 0.1)/3.6^4 = 2.4e-5
  EXPECT_EQ(bayes_label(train, "bad good film"), 1);
  EXPECT_EQ(bayes_label(train, "bad bad"), 0);    // 2/3 (0.1/6.6)^2 against 1/3 (1.1/3.6)^2
  EXPECT_EQ(bayes_label(train, "BAD, film"), 0);  // the same of bad and film: case and unknown words
  EXPECT_EQ(bayes_label(train, "film"), 1);       // 2/3 1.1/6.6 against 1/3 1.1/3.6: the prior decides
  EXPECT_EQ(bayes_label(train, "film good good"), 1);
  EXPECT_EQ(bayes_label(train, "unseen"), 1);
}

TEST(Baselines, NaiveBayesReadsBothTextsOfAPair) {
  const auto train =
      split({{.first = "x", .second = "yes", .label = 0}, {.first = "x", .second = "no", .label = 1}}, "rte");
  const auto dev =
      split({{.first = "x", .second = "no", .label = 1}, {.first = "x", .second = "yes", .label = 0}}, "rte");
  EXPECT_DOUBLE_EQ(naive_bayes_baseline(train, dev).metrics.at("accuracy"), 1.0);
}

TEST(Baselines, ALabelThatTheTrainingSplitLacksIsNeverPredicted) {
  const auto train = split({{.first = "a", .label = 1}});
  EXPECT_EQ(bayes_label(train, "a b c"), 1);
}

TEST(Baselines, OfARegressionTheMean) {
  const auto train = split({{.first = "a", .second = "b", .value = 4}}, "stsb");
  const auto dev =
      split({{.first = "a", .second = "b", .value = 1}, {.first = "a", .second = "b", .value = 2}}, "stsb");
  const auto all = baselines(train, dev);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].name, "mean_value");
  EXPECT_EQ(all[0].metrics, (Metrics{{"pearson", 0.0}, {"spearman", 0.0}}));
  EXPECT_EQ(baselines(split({{.first = "a", .label = 1}}), split({{.first = "a", .label = 1}})).size(), 2u);
}

}  // namespace
}  // namespace espalier
