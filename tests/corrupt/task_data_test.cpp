// Bad task files: one clear error each, naming file and line, never a crash.
#include <gtest/gtest.h>

#include "data/task_split.h"
#include "packed_text.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

/// A file of a task's split `dev`, and what the error must say.
struct BadFile {
  const char* task;
  const char* name;
  std::string content;
  std::vector<std::string> fragments;
};

void PrintTo(const BadFile& bad, std::ostream* out) {
  *out << bad.task << ": " << bad.content.substr(0, 60);
}

const std::string kRte = "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n";
const std::string kStsb = "sentence1\tsentence2\tscore\na\tb\t2.5\n";

const std::vector<BadFile> kBadFiles{
    // rows
    {"rte", "dev.tsv", kRte + "1\ta\tb\n", {"dev.tsv: line 3: the row has 3 columns, expected 4", "tabs"}},
    {"rte", "dev.tsv", kRte + "1\ta\tb\tc\tentailment\n", {"line 3: the row has 5 columns, expected 4"}},
    {"rte", "dev.tsv", kRte + "1", {"line 3: the row has 1 columns"}},
    {"cola", "dev.tsv", "gj04\t1\t\tA.\ngj04\t1\tB.\n", {"line 2: the row has 3 columns, expected 4"}},
    {"cola", "dev.tsv", "A.\t1\n", {"line 1: the row has 2 columns, expected 4"}},
    {"rte",
     "dev.tsv",
     kRte + "1\ta\tcaf\xE9\tentailment\n",
     {"dev.tsv: line 3, byte 8: invalid UTF-8", "0xE9"}},
    {"rte", "dev.tsv", "\xFF\xFEi\n", {"is UTF-16 (byte order mark)"}},
    {"rte", "dev.tsv.gz", gzip(kRte).substr(0, 30), {"dev.tsv.gz: gzip data: the file is cut short"}},
    // labels
    {"rte",
     "dev.tsv",
     kRte + "1\ta\tb\tneutral\n",
     {"dev.tsv: line 3: the column \"label\" holds \"neutral\", expected one of entailment, not_entailment"}},
    {"rte", "dev.tsv", kRte + "1\ta\tb\t\n", {"line 3: the column \"label\" holds \"\""}},
    {"rte", "dev.tsv", kRte + "1\ta\tb\t0\n", {"holds \"0\"", "belongs to this task"}},
    {"cola",
     "dev.tsv",
     "gj04\t2\t\tA.\n",
     {"line 1: the column \"label\" holds \"2\", expected one of 0, 1"}},
    {"stsb",
     "dev.tsv",
     kStsb + "a\tb\t5.001\n",
     {"dev.tsv: line 3", "\"5.001\", expected a number from 0 to 5"}},
    {"stsb", "dev.tsv", kStsb + "a\tb\t-0.1\n", {"line 3", "\"-0.1\""}},
    {"stsb", "dev.tsv", kStsb + "a\tb\tnan\n", {"line 3", "\"nan\", expected a number"}},
    {"stsb", "dev.tsv", kStsb + "a\tb\tinf\n", {"\"inf\", expected a number"}},
    {"stsb", "dev.tsv", kStsb + "a\tb\t3,5\n", {"\"3,5\", expected a number"}},
    {"stsb", "dev.tsv", kStsb + "a\tb\t\n", {"\"\", expected a number"}},
    {"stsb", "dev.tsv", kStsb + "a\tb\t1e999\n", {"\"1e999\", expected a number"}},
    // headers
    {"rte", "dev.tsv", "", {"dev.tsv: the file is empty"}},
    {"rte", "dev.tsv", "\n\n", {"the file is empty"}},
    {"rte", "dev.tsv", "index\tsentence1\tsentence2\tlabel\n", {"dev.tsv: there are no rows"}},
    {"qqp", "dev.tsv", "question1\tquestion2\tis_duplicate\na\tb\n", {"there are no rows"}},
    {"rte",
     "dev.tsv",
     "index\tsentence\tsentence2\tlabel\n",
     {"line 1: there is no column \"sentence1\"", "did you mean sentence?"}},
    {"rte",
     "dev.tsv",
     "index\tsentence1\tsentence2\n0\ta\tb\n",
     {"dev.tsv: line 1: there is no column \"label\"", "index, sentence1, sentence2",
      "a file without labels can be predicted, not trained on or evaluated"}},
    {"cola",
     "dev.tsv",
     "index\tsentence\n0\tA.\n",
     {"line 1: there is no column \"label\"", "can be predicted"}},
    {"mnli", "dev.tsv", "sentence1\tsentence2\tlabel\n", {"there is no column \"gold_label\""}},
    // tables
    {"table", "dev.csv", "text,label\n\"a,1\nb,2\n", {"dev.csv: line 2: a quotation mark is never closed"}},
    {"table", "dev.csv", "text,label\na,b,1\n", {"line 2: the row has 3 columns, expected 2"}},
    {"table", "dev.csv", "txt,label\na,1\n", {"line 1: there is no column \"text\"", "did you mean txt?"}},
    {"table",
     "dev.csv",
     "text,label\na,1\nb,1\n",
     {"dev.csv: every row has the label \"1\", expected at least two"}},
    {"table",
     "dev.csv",
     "\"a\nb\",\"" + std::string(100, 'x') + "\"\n",
     {"there is no column \"text\"", "known: a\\x0ab, " + std::string(60, 'x') + "..."}},
    {"table", "dev.jsonl", "{\"text\": \"a\", \"label\": 1}\nx\n", {"dev.jsonl: line 2", "not valid JSON"}},
    {"table",
     "dev.jsonl",
     "{\"text\": \"a\"}\n",
     {"line 1: there is no column \"label\"", "can be predicted"}},
    {"table", "dev.jsonl", "{\"text\": {}, \"label\": 1}\n", {"line 1: text: found {}, expected a string"}},
    {"table", "dev.jsonl", std::string(100, '['), {"line 1", "nested deeper"}},
    {"table", "dev.jsonl", "\n", {"there are no rows"}},
};

class CorruptTaskData : public ::testing::TestWithParam<BadFile> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptTaskData, ::testing::ValuesIn(kBadFiles));

TEST_P(CorruptTaskData, IsAUserErrorThatNamesTheLine) {
  const auto& bad = GetParam();
  const TemporaryFolder folder;
  folder.write(bad.name, bad.content);
  SCOPED_TRACE(bad.content);
  expect_user_error([&] { read_task_split(find_task(bad.task), {.folder = folder.path()}, "dev"); },
                    bad.fragments);
}

TEST(CorruptTaskData, LabelsThatTrainLacks) {
  const TemporaryFolder folder;
  folder.write("train.tsv", "text\tlabel\na\tyes\nb\tno\n");
  folder.write("dev.csv", "text,label\nc,no\nd,maybe\n");
  const TaskFiles data{.folder = folder.path()};
  const auto train = read_task_split(find_task("table"), data, "train");
  expect_user_error([&] { read_task_split(train.task, data, "dev"); },
                    {"dev.csv: line 3: the column \"label\" holds \"maybe\", expected one of no, yes",
                     "every split has the labels of the training file"});
}

TEST(CorruptTaskData, AColumnOfNumbersTakenForLabels) {
  const TemporaryFolder folder;
  std::string content = "text\tlabel\n";
  for (int i = 0; i < 1001; ++i) content += "a\t" + std::to_string(i) + "\n";
  folder.write("train.tsv", content);
  expect_user_error([&] { read_task_split(find_task("table"), {.folder = folder.path()}, "train"); },
                    {"train.tsv: line 1002: more than 1000 different labels", "regression"});
}

TEST(CorruptTaskData, WordNet) {
  const auto read = [](const TaskFiles& data, const char* split) {
    return [=] { read_task_split(find_task("wordnet"), data, split); };
  };
  expect_user_error(read({.folder = "/nonexistent"}, "dev"),
                    {"/nonexistent", "apt-get install wordnet-base"});
  expect_user_error(read({}, "valid"), {"no split \"valid\"", "train, dev, test"});
  expect_user_error(read({.files = {{"dev", "a.tsv"}}}, "dev"), {"--data names files"});
}

}  // namespace
}  // namespace espalier
