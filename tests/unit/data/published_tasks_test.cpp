// The published files, where the data folder has them: counts and labels.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "data/baselines.h"
#include "data/task_split.h"
#include "data/wordnet.h"
#include "paths.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr double kFourDigits = 5e-5;  // the other side is written with four

fs::path glue() {
  const char* named = std::getenv("ESPALIER_SHARED_DATA");
  return fs::path(named ? named : source_dir() + "/../shared/data") / "glue";
}

std::vector<std::size_t> label_counts(const TaskSplit& split) {
  std::vector<std::size_t> counts(split.task.labels.size());
  for (const auto& example : split.examples) ++counts[static_cast<std::size_t>(example.label)];
  return counts;
}

struct Published {
  const char* task;
  std::size_t train, dev;
  std::vector<std::size_t> dev_labels;  // empty: regression
};

void PrintTo(const Published& row, std::ostream* out) {
  *out << row.task;
}

// Official counts, except for the samples of the train files of QNLI, MNLI and QQP and QQP's dev.
const std::vector<Published> kPublished{
    {"cola", 8551, 1043, {322, 721}},         {"sst2", 67349, 872, {428, 444}},
    {"mrpc", 3668, 408, {129, 279}},          {"stsb", 5749, 1500, {}},
    {"rte", 2490, 277, {146, 131}},           {"qnli", 9999, 5463, {2702, 2761}},
    {"mnli", 9999, 9815, {3479, 3123, 3213}}, {"qqp", 22870, 9999, {}}};

class Glue : public ::testing::TestWithParam<Published> {
 protected:
  void SetUp() override {
    if (!fs::exists(glue()))
      GTEST_SKIP() << glue() << " is not there; set ESPALIER_SHARED_DATA to run this test";
  }
};
INSTANTIATE_TEST_SUITE_P(Tasks, Glue, ::testing::ValuesIn(kPublished),
                         [](const auto& row) { return std::string(row.param.task); });

TEST_P(Glue, HasThePublishedExamples) {
  const auto& [name, train_count, dev_count, dev_labels] = GetParam();
  const auto train = read_task_split(find_task(name), {.folder = glue()}, "train");
  const auto dev = read_task_split(train.task, {.folder = glue()}, "dev");
  EXPECT_EQ(train.examples.size(), train_count);
  EXPECT_EQ(dev.examples.size(), dev_count);
  EXPECT_EQ(train.skipped_rows + dev.skipped_rows, 0u);
  for (const auto* split : {&train, &dev}) {
    for (const auto& example : split->examples) {
      ASSERT_EQ(example.second.has_value(), split->task.has_pairs());
      ASSERT_FALSE(example.first.empty());
    }
  }
  if (!dev_labels.empty()) {
    EXPECT_EQ(label_counts(dev), dev_labels);
  }
}

TEST_F(Glue, TestFilesHaveTextsOnly) {
  for (const auto& [name, count] : {std::pair{"cola", 1063}, {"rte", 3000}, {"stsb", 1379}}) {
    const auto test = read_task_split(find_task(name), {.folder = glue()}, "test", Labels::kIgnored);
    EXPECT_EQ(test.examples.size(), static_cast<std::size_t>(count)) << name;
    EXPECT_THROW(read_task_split(find_task(name), {.folder = glue()}, "test"), UserError) << name;
  }
}

TEST_F(Glue, QuotesOfMrpcAreText) {
  const auto dev = read_task_split(find_task("mrpc"), {.folder = glue()}, "dev");
  EXPECT_EQ(dev.examples[0].second,
            "\"The foodservice pie business does not fit our long-term growth strategy.");
}

// Published baselines of GLUE's dev splits: the largest class.
TEST_F(Glue, LargestClasses) {
  const auto largest = [](const char* name) {
    const auto train = read_task_split(find_task(name), {.folder = glue()}, "train");
    return constant_baseline(train, read_task_split(train.task, {.folder = glue()}, "dev")).metrics;
  };
  EXPECT_NEAR(largest("mrpc").at("accuracy"), 0.6838, kFourDigits);
  EXPECT_NEAR(largest("mrpc").at("f1"), 0.8122, kFourDigits);
  EXPECT_NEAR(largest("rte").at("accuracy"), 0.5271, kFourDigits);
  EXPECT_EQ(largest("cola").at("matthews"), 0);
}

// Counted by a second implementation (Python) of the split, the words and the formula.
TEST(WordNetTask, SplitsAndBaselines) {
  if (!fs::exists(fs::path(kWordNetFolder) / "data.noun")) GTEST_SKIP() << "WordNet is not installed";
  const auto& task = find_task("wordnet");
  const auto train = read_task_split(task, {}, "train");
  const auto dev = read_task_split(task, {}, "dev");
  EXPECT_EQ(train.examples.size(), 105905u);
  EXPECT_EQ(dev.examples.size(), 5757u);
  EXPECT_EQ(read_task_split(task, {}, "test").examples.size(), 5997u);
  const auto found = baselines(train, dev);
  EXPECT_NEAR(found.at(0).metrics.at("accuracy"), 0.1259, kFourDigits);
  EXPECT_NEAR(found.at(1).metrics.at("accuracy"), 0.7177, kFourDigits);
}

}  // namespace
}  // namespace espalier
