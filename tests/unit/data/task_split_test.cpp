#include "data/task_split.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "packed_text.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using Names = std::vector<std::string>;

TaskSplit parse(const Task& task, std::string_view text, TableFormat format = TableFormat::kTsv,
                Labels labels = Labels::kRequired) {
  return parse_task_table(task, lines_of(text), format, "f", labels);
}

std::vector<int> numbers(const TaskSplit& split) {
  std::vector<int> all;
  for (const auto& example : split.examples) all.push_back(example.label);
  return all;
}

/// 20 sentences, "0" to "19".
TaskSplit twenty() {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "x\t" + std::to_string(i % 2) + "\t\t" + std::to_string(i) + "\n";
  return parse(find_task("cola"), text);
}

std::vector<int> sentences(const TaskSplit& split) {
  std::vector<int> all;
  for (const auto& example : split.examples) all.push_back(std::stoi(example.first));
  return all;
}

TEST(TaskSplit, KeepsTheSameExamplesInTheirOrder) {
  auto split = twenty(), again = twenty();
  keep_examples(split, 7);
  keep_examples(again, 7);
  EXPECT_EQ(split.examples.size(), 7u);
  EXPECT_EQ(sentences(split), sentences(again));
  EXPECT_TRUE(std::ranges::is_sorted(sentences(split)));
  EXPECT_NE(sentences(split).back(), 6) << "drawn, not the first ones";
  keep_examples(again, 100);
  EXPECT_EQ(again.examples.size(), 7u);
}

TEST(TaskSplit, HoldsAShareOut) {
  auto split = twenty();
  const auto held = hold_out(split, 0.1);
  EXPECT_EQ(held.split, "held_out");
  EXPECT_EQ(held.examples.size(), 2u);
  EXPECT_EQ(split.examples.size(), 18u);
  auto all = sentences(split);
  const auto out = sentences(held);
  all.insert(all.end(), out.begin(), out.end());
  std::ranges::sort(all);
  EXPECT_EQ(all, sentences(twenty())) << "each example is in one of both";
  EXPECT_EQ(held.examples[0].label, std::stoi(held.examples[0].first) % 2);
  expect_user_error([&] { hold_out(split, 0.01); }, {"--hold-out 0.01: 0 of 18 examples"});
}

TEST(TaskSplit, ReadsEachKindOfTask) {
  const auto cola = parse(find_task("cola"), "gj04\t1\t\tThe sailors rode.\ngj04\t0\t*\tSailors the rode.");
  EXPECT_EQ(numbers(cola), (std::vector<int>{1, 0}));
  EXPECT_EQ(cola.examples[1].first, "Sailors the rode.");
  EXPECT_FALSE(cola.examples[1].second.has_value());

  const auto mnli =
      parse(find_task("mnli"), "index\tsentence1\tsentence2\tgold_label\n0\ta b\t\tcontradiction\n");
  EXPECT_EQ(mnli.examples[0].first, "a b");
  EXPECT_EQ(mnli.examples[0].second, "") << "an empty text is one";
  EXPECT_EQ(mnli.examples[0].label, 2);

  const auto stsb = parse(find_task("stsb"), "sentence1\tsentence2\tscore\na\tb\t3.800\nc\td\t5\n");
  EXPECT_EQ(stsb.examples[0].value, 3.8);
  EXPECT_EQ(stsb.examples[1].value, 5.0);
}

TEST(TaskSplit, QuotesOfGlueAreText) {
  const auto mrpc =
      parse(find_task("mrpc"),
            "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tHe said \"no.\t\"Yes\n0\t3\t4\t\"x\t\"\n");
  EXPECT_EQ(mrpc.examples.size(), 2u);
  EXPECT_EQ(mrpc.examples[0].second, "\"Yes");
}

TEST(TaskSplit, BrokenRowsOfQqpAreLeftOutAndCounted) {
  const auto qqp = parse(find_task("qqp"), "question1\tquestion2\tis_duplicate\na\tb\nc\td\t1\n");
  EXPECT_EQ(qqp.examples.size(), 1u);
  EXPECT_EQ(qqp.skipped_rows, 1u);
}

TEST(TaskSplit, LabelsOfATableAreSortedByValueIfNumbers) {
  const auto by_value = parse(table_task({}), "text\tlabel\na\t10\nb\t9\nc\t-1.5\nd\t10");
  EXPECT_EQ(by_value.task.labels, (Names{"-1.5", "9", "10"}));
  EXPECT_EQ(numbers(by_value), (std::vector<int>{2, 1, 0, 2}));
  const auto by_name = parse(table_task({}), "text\tlabel\na\tten\nb\t9\nc\t10\n");
  EXPECT_EQ(by_name.task.labels, (Names{"10", "9", "ten"}));
  EXPECT_EQ(numbers(by_name), (std::vector<int>{2, 1, 0}));
}

TEST(TaskSplit, TheOtherSplitsOfATableHaveTheLabelsOfTheFirst) {
  const auto train = parse(table_task({}), "text\tlabel\na\tyes\nb\tno\nc\tmaybe\n");
  const auto dev = parse(train.task, "label,text\nyes,\"d, e\"\n", TableFormat::kCsv);
  EXPECT_EQ(dev.task.labels, (Names{"maybe", "no", "yes"}));
  EXPECT_EQ(numbers(dev), std::vector<int>{2}) << "a split may lack labels";
  expect_user_error([&] { parse(train.task, "text\tlabel\nd\tYes\n"); },
                    {"f: line 2: the column \"label\" holds \"Yes\", expected one of maybe, no, yes",
                     "every split has the labels of the training file"});
}

TEST(TaskSplit, TablesNameTheirColumns) {
  const auto pairs = table_task({.text = "q", .second_text = "a", .label = "ok"});
  const auto split =
      parse(pairs, "{\"q\": \"x\", \"a\": \"y\", \"ok\": true}\n{\"q\": \"x\", \"a\": \"z\", \"ok\": false}",
            TableFormat::kJsonLines);
  EXPECT_EQ(split.task.labels, (Names{"false", "true"}));
  EXPECT_EQ(split.examples[1].second, "z");
  const auto regression = table_task({.kind = TaskKind::kRegression});
  EXPECT_EQ(parse(regression, "text\tlabel\na\t-1e3\n").examples[0].value, -1000.0);
}

TEST(TaskSplit, PredictionNeedsNoLabels) {
  const auto split =
      parse(find_task("rte"), "sentence1\tsentence2\na\tb\n", TableFormat::kTsv, Labels::kIgnored);
  EXPECT_FALSE(split.labelled);
  EXPECT_EQ(split.examples[0].second, "b");
  const auto cola =
      parse(find_task("cola"), "index\tsentence\n0\tA b.\n", TableFormat::kTsv, Labels::kIgnored);
  EXPECT_EQ(cola.examples[0].first, "A b.");
  const auto wrong =
      parse(find_task("sst2"), "sentence\tlabel\na\t-1\n", TableFormat::kTsv, Labels::kIgnored);
  EXPECT_EQ(wrong.examples.size(), 1u) << "placeholders in test files are not looked at";
}

TEST(TaskSplit, ReadsPackedFilesOfAFolder) {
  const TemporaryFolder folder;
  folder.write("SST-2/train.tsv.gz", gzip("\xEF\xBB\xBFsentence\tlabel\ngood\t1\nbad\t0\n"));
  folder.write("SST-2/dev.tsv.zst", zstd("sentence\tlabel\nfine\t1"));
  const TaskFiles data{.folder = folder.path()};
  const auto train = read_task_split(find_task("sst2"), data, "train");
  EXPECT_EQ(numbers(train), (std::vector<int>{1, 0}));
  EXPECT_EQ(train.split, "train");
  EXPECT_EQ(train.file, folder / "SST-2/train.tsv.gz");
  EXPECT_TRUE(train.labelled);
  EXPECT_EQ(read_task_split(train.task, data, "dev").examples[0].first, "fine");
}

TEST(TaskSplit, WordNetIsSplitByItsDefinitions) {
  const TemporaryFolder folder;
  for (const char* name : {"data.verb", "data.adj", "data.adv"}) {
    folder.write(name, "00000001 29 v 01 x 0 000 | a separate and self-contained entity\n");  // train
  }
  folder.write("data.noun",
               "00000001 05 n 01 dog 0 000 | a member of the genus Canis; \"good dog\"\n");  // dev
  const TaskFiles data{.folder = folder.path()};
  const auto dev = read_task_split(find_task("wordnet"), data, "dev");
  ASSERT_EQ(dev.examples.size(), 1u);
  EXPECT_EQ(dev.examples[0].first, "a member of the genus Canis");
  EXPECT_EQ(dev.task.labels[static_cast<std::size_t>(dev.examples[0].label)], "noun.animal");
  EXPECT_EQ(read_task_split(find_task("wordnet"), data, "train").examples.size(), 3u);
  auto turned = find_task("wordnet");
  std::ranges::reverse(turned.labels);
  EXPECT_EQ(read_task_split(turned, data, "dev").examples[0].label, 44 - 5) << "the labels' own numbers";
}

}  // namespace
}  // namespace espalier
