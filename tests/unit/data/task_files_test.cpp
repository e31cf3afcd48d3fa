#include "data/task_files.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::expect_user_error;

TaskFiles parse(const std::vector<std::string>& arguments) {
  return parse_task_files(arguments);
}

TEST(TaskFiles, AFolderOrAFileForEachSplit) {
  EXPECT_EQ(parse({"glue"}).folder, "glue");
  EXPECT_EQ(parse({"./a=b"}).folder, "./a=b");
  EXPECT_EQ(parse({"=b"}).folder, "=b");
  EXPECT_TRUE(parse({}).folder.empty());
  const auto files = parse({"train=a.tsv", "dev=x/b=c.csv"}).files;
  EXPECT_EQ(files.at("train"), "a.tsv");
  EXPECT_EQ(files.at("dev"), "x/b=c.csv");
  expect_user_error([] { parse({"a", "b"}); }, {"two folders, a and b"});
  expect_user_error([] { parse({"dev=a", "dev=b"}); }, {"two files of the split dev"});
  expect_user_error([] { parse({"a", "dev=b"}); }, {"the folder a and files of splits"});
}

TEST(TaskFiles, FindsTheTasksFolderOrTakesTheOneNamed) {
  const TemporaryFolder glue;
  const auto train = glue.write("SST-2/train.tsv.gz", "");
  const auto sample = glue.write("QQP-partial/heldout_sample.tsv", "");
  EXPECT_EQ(find_split_file(find_task("sst2"), {.folder = glue.path()}, "train"), train);
  EXPECT_EQ(find_split_file(find_task("sst2"), {.folder = glue / "SST-2"}, "train"), train);
  EXPECT_EQ(find_split_file(find_task("qqp"), {.folder = glue.path()}, "dev"), sample);
}

TEST(TaskFiles, TriesTheNamesInTurn) {
  const TemporaryFolder folder;
  const auto find = [&](const char* task, const char* split) {
    return find_split_file(find_task(task), {.folder = folder.path()}, split).filename();
  };
  folder.write("heldout_sample.tsv", "");
  EXPECT_EQ(find("mnli", "dev"), "heldout_sample.tsv");
  folder.write("dev_matched.tsv.zst", "");
  EXPECT_EQ(find("mnli", "dev"), "dev_matched.tsv.zst");
  folder.write("dev.tsv.gz", "");
  EXPECT_EQ(find("mnli", "dev"), "dev.tsv.gz");
  folder.write("dev.tsv", "");
  EXPECT_EQ(find("mnli", "dev"), "dev.tsv");
  folder.write("train_sample.tsv", "");
  EXPECT_EQ(find("mnli", "train"), "train_sample.tsv");
  folder.write("dev_mismatched.tsv", "");
  EXPECT_EQ(find("mnli", "dev_mismatched"), "dev_mismatched.tsv");
  folder.write("train.jsonl.gz", "");
  EXPECT_EQ(find("table", "train"), "train.jsonl.gz");
  EXPECT_EQ(find("mnli", "train"), "train_sample.tsv") << "GLUE is .tsv";
}

TEST(TaskFiles, WhatIsNotThereIsNamedWithWhereToGetIt) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.tsv", "");
  const auto find = [&](const char* task, const fs::path& data) {
    return [&folder, task, data] { find_split_file(find_task(task), {.folder = data}, "dev"); };
  };
  expect_user_error(find("rte", ""),
                    {"task rte: --data is missing", "https://gluebenchmark.com", "RTE/train.tsv"});
  expect_user_error(find("rte", folder / "no"), {"no: there is no such folder", "gluebenchmark.com"});
  expect_user_error(find("rte", file), {"a.tsv: is a file, expected a folder", "dev=FILE"});
  expect_user_error(find("rte", folder.path()),
                    {folder.path().string(), "split dev of task rte",
                     "dev.tsv, dev_matched.tsv, heldout_sample.tsv", "gluebenchmark.com"});
  expect_user_error(find("table", folder.path()), {"dev.tsv, dev.csv, dev.jsonl", "train=FILE dev=FILE"});
  expect_user_error(
      [] {
        find_split_file(find_task("rte"), {.files = {{"train", "a.tsv"}}}, "dev");
      },
      {"--data names no file of the split dev, only train", "add dev=FILE"});
}

}  // namespace
}  // namespace espalier
