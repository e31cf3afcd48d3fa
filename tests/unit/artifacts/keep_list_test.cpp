#include "artifacts/keep_list.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

const KeepList kList{{0, {0, 3}}, {2, {1}}, {10, {0, 1, 2}}};

TEST(KeepList, ReadsItsShapes) {
  EXPECT_EQ(keep_list_from_text(R"({"0": [0, 3], "10": [0, 1, 2], "2": [1]})", "f"), kList);
  EXPECT_EQ(keep_list_from_text("{\"0\": [3, 0],\n \"2\": [1],\n \"10\": [2, 1, 0]}\n", "f"), kList);
  EXPECT_EQ(keep_list_from_text("{\"0\": [0, 3]}\n\n{\"2\": [1], \"10\": [0, 1, 2]}\n", "f"), kList);
  EXPECT_EQ(keep_list_from_text(
                R"({"keep": [[0, 3], null, [1], null, null, null, null, null, null, null, [0, 1, 2]]})", "f"),
            kList);
}

TEST(KeepList, WhatIsWrittenIsRead) {
  const TemporaryFolder folder;
  for (const char* name : {"keep.json", "keep.jsonl"}) {
    write_keep_list(folder / name, kList);
    EXPECT_EQ(read_keep_list(folder / name), kList) << name;
  }
  EXPECT_EQ(read_file(folder / "keep.jsonl"), "{\"0\":[0,3]}\n{\"2\":[1]}\n{\"10\":[0,1,2]}\n");
}

TEST(KeepList, OfAPlan) {
  Plan plan;
  plan.layers = {{.layer = 3, .num_experts_before = 4, .keep = {1, 2}}};
  EXPECT_EQ(keep_list_of(plan), (KeepList{{3, {1, 2}}}));
}

TEST(KeepList, AnythingElseIsAnErrorThatSaysWhere) {
  const std::vector<std::pair<const char*, std::vector<std::string>>> bad{
      {"", {"f:1:1", "not valid JSON"}},
      {"[]", {"f: expected a JSON object"}},
      {"{}", {"f: the keep-list is empty"}},
      {R"({"keep": [null]})", {"the keep-list is empty"}},
      {R"({"keep": {"0": [1]}})", {"f: keep: expected an array"}},
      {R"({"keep": [[]]})", {"f: keep[0]: no expert is left"}},
      {R"({"x": [1]})", {"f: x: expected a block number"}},
      {R"({"-1": [1]})", {"f: -1: expected a block number"}},
      {R"({"00": [1]})", {"f: 00: expected a block number"}},
      {R"({"100000": [1]})", {"f: 100000: expected a block number"}},
      {R"({"0": 1})", {"f: 0: expected an array of experts"}},
      {R"({"0": []})", {"f: 0: no expert is left"}},
      {R"({"0": [0, 1.5]})", {"f: 0[1]: expected an expert"}},
      {R"({"0": [-1]})", {"f: 0[0]: expected an expert"}},
      {R"({"0": [18446744073709551615]})", {"f: 0[0]: expected an expert"}},
      {R"({"0": [2, 1, 2]})", {"f: 0: expert 2 is listed twice"}},
      {R"({"0": [1], "0": [2]})", {"duplicate key"}},
      {"{\"0\": [1]}\n{\"0\": [2]}\n", {"f (line 2): 0: the block is listed twice"}},
      {"{\"0\": [1]}\n{\"1\": [2}\n", {"f (line 2):1:"}},
  };
  for (const auto& [text, fragments] : bad) {
    SCOPED_TRACE(text);
    expect_user_error([&] { keep_list_from_text(text, "f"); }, fragments);
  }
}

}  // namespace
}  // namespace espalier
