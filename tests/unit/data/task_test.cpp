#include "data/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using Names = std::vector<std::string>;

TEST(Task, TheTableIsComplete) {
  std::set<std::string> names;
  for (const auto& task : all_tasks()) {
    SCOPED_TRACE(task.name);
    EXPECT_TRUE(names.insert(task.name).second) << "twice";
    EXPECT_EQ(&find_task(task.name), &task);
    EXPECT_FALSE(task.first.empty());
    EXPECT_FALSE(task.label.empty());
    EXPECT_EQ(task.folders.empty(), task.source != TaskSource::kGlue);
    EXPECT_EQ(task.labels.size() >= 2, task.kind == TaskKind::kClassification && task.name != "table");
    ASSERT_FALSE(task.primary.empty());
    for (const auto& metric : task.primary) {
      EXPECT_NE(std::ranges::find(task.metrics, metric), task.metrics.end()) << metric;
    }
    const bool has_f1 = std::ranges::find(task.metrics, "f1") != task.metrics.end();
    EXPECT_EQ(has_f1, std::ranges::find(task.labels, task.positive) != task.labels.end());
  }
  EXPECT_EQ(names, (std::set<std::string>{"cola", "sst2", "mrpc", "stsb", "rte", "qnli", "mnli", "qqp",
                                          "wordnet", "table"}));
}

TEST(Task, LabelsAreNumberedLikeHuggingFaces) {
  EXPECT_EQ(find_task("mnli").labels, (Names{"entailment", "neutral", "contradiction"}));
  EXPECT_EQ(find_task("rte").labels, (Names{"entailment", "not_entailment"}));
  EXPECT_EQ(find_task("qnli").labels, (Names{"entailment", "not_entailment"}));
  EXPECT_EQ(find_task("cola").labels, (Names{"0", "1"}));
  EXPECT_EQ(find_task("wordnet").labels.size(), 45u);
}

TEST(Task, AMisspeltNameIsNamed) {
  expect_user_error([] { find_task("sst-2"); }, {"there is no task \"sst-2\"", "did you mean sst2?"});
}

TEST(Task, LabelsOfAModelRenumberTheTask) {
  const auto mnli = find_task("mnli");
  const Names other{"contradiction", "entailment", "neutral"};
  EXPECT_EQ(with_labels(mnli, other, "m").labels, other);
  EXPECT_EQ(with_labels(mnli, {"LABEL_0", "LABEL_1", "LABEL_2"}, "m").labels, mnli.labels);
  EXPECT_EQ(with_labels(table_task({}), {"b", "a"}, "m").labels, (Names{"b", "a"}));
  EXPECT_TRUE(with_labels(find_task("stsb"), {"LABEL_0"}, "m").labels.empty());
}

TEST(Task, AModelWithOtherLabelsIsAnError) {
  const auto mnli = find_task("mnli");
  expect_user_error(
      [&] {
        with_labels(mnli, {"no", "yes"}, "my-model");
      },
      {"my-model: the model's labels are no, yes; those of the task mnli are entailment, neutral, "
       "contradiction"});
  expect_user_error([&] { with_labels(mnli, {"LABEL_0", "LABEL_1"}, "m"); }, {"LABEL_0, LABEL_1"});
  expect_user_error([&] { with_labels(mnli, {"LABEL_2", "LABEL_1", "LABEL_0"}, "m"); }, {"LABEL_2"});
}

}  // namespace
}  // namespace espalier
