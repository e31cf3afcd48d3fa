#include <gtest/gtest.h>

#include <cstring>

#include "base/files.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/shard_index.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::expect_user_error;

/// A file: the header's length, the header, and `data_bytes` zeros.
std::string file_with(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + std::string(data_bytes, '\0');
}

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + rest;
}

SafetensorsHeader parse(const std::string& bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)), "f.safetensors");
}

struct BadFile {
  const char* title;
  std::string bytes;
  std::vector<std::string> fragments;
};

std::ostream& operator<<(std::ostream& out, const BadFile& bad) {
  return out << bad.title;
}

const std::vector<BadFile> kBadFiles{
    // the frame
    {"empty", "", {"f.safetensors: truncated: 0 bytes"}},
    {"seven bytes", "1234567", {"truncated: 7 bytes"}},
    {"no header", std::string(8, '\0'), {"the header does not start with {"}},
    {"header cut off",
     with_length(100, "{\"a\":"),
     {"truncated in the header: it takes 100 bytes, the file has 5"}},
    {"header of 2^64 - 1 bytes",
     with_length(~0ULL, "{}"),
     {"18446744073709551615 bytes, the limit is 100000000"}},
    {"header just over the limit", with_length(100'000'001, "{}"), {"the limit is 100000000"}},
    {"text file", "{\"a\": 1, \"b\": 2}", {"the limit is"}},
    // the header as JSON
    {"not JSON", file_with("{nonsense}", 0), {"f.safetensors (header):1:3:", "not valid JSON"}},
    {"JSON cut off", file_with("{\"a\":{", 0), {"not valid JSON"}},
    {"an array", file_with("[]", 0), {"does not start with {"}},
    {"blank before the header", file_with(" {}", 0), {"does not start with {"}},
    {"text after the header", file_with("{} x", 0), {"not valid JSON"}},
    {"duplicate tensor",
     file_with(
         R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
         1),
     {"duplicate key \"a\""}},
    {"metadata not an object", file_with(R"({"__metadata__":[]})", 0), {"__metadata__ is not an object"}},
    {"metadata not strings",
     file_with(R"({"__metadata__":{"a":1}})", 0),
     {"__metadata__: a is not a string"}},
    {"deep nesting", file_with("{\"a\":" + std::string(100'000, '['), 0), {"nested deeper than"}},
    // an entry
    {"entry not an object", file_with(R"({"a":1})", 0), {"tensor a: its entry is not an object"}},
    {"dtype missing",
     file_with(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1),
     {"tensor a: dtype is missing"}},
    {"dtype a number",
     file_with(R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,1]}})", 1),
     {"dtype is not a string"}},
    {"dtype unknown",
     file_with(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,1]}})", 1),
     {"tensor a: unknown dtype \"F31\"", "BF16"}},
    {"shape missing", file_with(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1), {"shape is missing"}},
    {"shape a number",
     file_with(R"({"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", 1),
     {"shape is not an array"}},
    {"shape negative",
     file_with(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1),
     {"shape holds -1"}},
    {"shape fractional",
     file_with(R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", 1),
     {"shape holds 1.5"}},
    {"shape past 2^63",
     file_with(R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,1]}})", 1),
     {"shape holds 9223372036854775808"}},
    {"shape past 2^64",
     file_with(R"({"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,1]}})", 1),
     {"shape holds 1.8446744073709552e+19"}},
    // 2^32 * 2^32 elements wrap round to 0 in 64 bits
    {"product wraps to 0",
     file_with(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
     {"larger than 2^63 - 1 bytes"}},
    {"bytes wrap round",
     file_with(R"({"a":{"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]}})", 8),
     {"larger than 2^63 - 1 bytes"}},
    {"offsets missing", file_with(R"({"a":{"dtype":"U8","shape":[1]}})", 1), {"data_offsets is missing"}},
    {"one offset",
     file_with(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1),
     {"has 1 numbers, expected 2"}},
    {"offsets negative",
     file_with(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}})", 1),
     {"data_offsets holds -1"}},
    {"offsets backwards",
     file_with(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[1,0]}})", 1),
     {"data_offsets [1, 0] end before they begin"}},
    {"size smaller than the shape",
     file_with(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4),
     {"F32 [2] takes 8 bytes, data_offsets give it 4"}},
    {"size larger than the shape",
     file_with(R"({"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,8]}})", 8),
     {"BF16 [2] takes 4 bytes, data_offsets give it 8"}},
    // the data section
    {"data cut off",
     file_with(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7),
     {"tensor a: truncated: its bytes end at 8, the data section has 7"}},
    {"data too long",
     file_with(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9),
     {"oversized: 1 bytes after the last tensor"}},
    {"data without tensors", file_with("{}", 3), {"oversized: 3 bytes"}},
    {"overlap",
     file_with(
         R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
         6),
     {"tensor b: overlaps another tensor by 2 bytes"}},
    {"same place twice",
     file_with(
         R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
         4),
     {"overlaps another tensor by 4 bytes"}},
    {"hole",
     file_with(
         R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})",
         5),
     {"tensor b: 1 bytes before it belong to no tensor"}},
    {"hole at the start",
     file_with(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3),
     {"1 bytes before it"}},
};

class CorruptSafetensors : public ::testing::TestWithParam<BadFile> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptSafetensors, ::testing::ValuesIn(kBadFiles), [](const auto& row) {
  std::string name = row.param.title;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

TEST_P(CorruptSafetensors, IsAUserError) {
  expect_user_error([&] { parse(GetParam().bytes); }, GetParam().fragments);
}

TEST(CorruptSafetensors, WhatIsUnusualButRightIsRead) {
  EXPECT_TRUE(parse(file_with("{}", 0)).tensors.empty());
  EXPECT_EQ(parse(file_with("{}     ", 0)).data_begin, 15U);
  EXPECT_EQ(parse(file_with(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"note":"x"}})", 1))
                .tensors.at(0)
                .end,
            72U);
  // the header's order is not the data's; an empty tensor sits between two others
  const SafetensorsHeader header = parse(file_with(
      R"({"z":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"e":{"dtype":"F64","shape":[5,0],"data_offsets":[2,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
      3));
  EXPECT_EQ(header.tensors.at(0).name, "a");
  EXPECT_EQ(header.tensors.at(2).begin, header.data_begin);
}

// No prefix of a good file is a good file.
TEST(CorruptSafetensors, EveryTruncationIsAUserError) {
  const std::string whole = file_with(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})",
      11);
  ASSERT_EQ(parse(whole).tensors.size(), 2U);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    SCOPED_TRACE(length);
    expect_user_error([&] { parse(whole.substr(0, length)); }, {"f.safetensors"});
  }
}

const std::string kConfig = R"({"model_type": "bert"})";
const std::string kTensorA = file_with(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1);
const std::string kTensorB = file_with(R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1);

struct BadFolder {
  const char* title;
  std::map<std::string, std::string> files;
  std::vector<std::string> fragments;
};

TEST(CorruptCheckpoint, BadFoldersAreUserErrors) {
  const std::string index = "model.safetensors.index.json";
  const std::vector<BadFolder> cases{
      {"empty folder", {}, {"config.json is missing"}},
      {"no config", {{"model.safetensors", kTensorA}}, {"config.json is missing"}},
      {"broken config",
       {{"config.json", "{\n\"a\" 1}"}, {"model.safetensors", kTensorA}},
       {"config.json:2:5"}},
      {"config not an object",
       {{"config.json", "[]"}, {"model.safetensors", kTensorA}},
       {"expected a JSON object"}},
      {"no tensors", {{"config.json", kConfig}}, {"neither model.safetensors nor"}},
      {"pickled",
       {{"config.json", kConfig}, {"pytorch_model.bin", "x"}},
       {"neither", "convert it to safetensors"}},
      {"empty tensor file",
       {{"config.json", kConfig}, {"model.safetensors", ""}},
       {"model.safetensors: truncated"}},
      {"shard missing",
       {{"config.json", kConfig},
        {index, R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})"},
        {"1.safetensors", kTensorA}},
       {"index.json: the shard 2.safetensors is missing (2 in all)"}},
      {"index names an absent tensor",
       {{"config.json", kConfig},
        {index, R"({"weight_map": {"a": "1.safetensors", "b": "1.safetensors"}})"},
        {"1.safetensors", kTensorA}},
       {"tensor b should be in 1.safetensors, but is not"}},
      {"tensors in each other's shards",
       {{"config.json", kConfig},
        {index, R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})"},
        {"1.safetensors", kTensorB},
        {"2.safetensors", kTensorA}},
       {"tensor a should be in 1.safetensors, but is not", "download or copy them again"}},
      {"a Git LFS pointer",
       {{"config.json", kConfig},
        {"model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 4\n"}},
       {"model.safetensors: is a Git LFS pointer", "git lfs pull"}},
      {"a web page",
       {{"config.json", kConfig}, {"model.safetensors", "\n<!DOCTYPE html><html>401</html>"}},
       {"model.safetensors: is an HTML page"}},
      {"a web page in place of the config",
       {{"config.json", "<html>401</html>"}, {"model.safetensors", kTensorA}},
       {"config.json: is an HTML page"}},
      {"truncated shard",
       {{"config.json", kConfig},
        {index, R"({"weight_map": {"a": "1.safetensors"}})"},
        {"1.safetensors", kTensorA.substr(0, kTensorA.size() - 1)}},
       {"1.safetensors: tensor a: truncated"}},
      {"path out of the folder",
       {{"config.json", kConfig}, {index, R"({"weight_map": {"a": "../1.safetensors"}})"}},
       {"weight_map: a: found \"../1.safetensors\", expected the name of a file in the same folder"}},
  };
  for (const BadFolder& bad : cases) {
    SCOPED_TRACE(bad.title);
    const TemporaryFolder folder;
    for (const auto& [name, content] : bad.files) write_file(folder / name, content);
    expect_user_error([&] { Checkpoint::open(folder.path()); }, bad.fragments);
  }
}

TEST(CorruptCheckpoint, AFileOrNothingInPlaceOfTheFolder) {
  const TemporaryFolder folder;
  write_file(folder / "file", "x");
  expect_user_error([&] { Checkpoint::open(folder / "file"); }, {"is a file, expected a checkpoint folder"});
  expect_user_error([&] { Checkpoint::open(folder / "absent"); }, {"no such folder"});
  fs::create_symlink(folder / "nowhere", folder / "dangling");
  fs::create_directory(folder / "links");
  fs::create_symlink(folder / "nowhere", folder / "links/config.json");
  expect_user_error([&] { Checkpoint::open(folder / "links"); }, {"config.json: a link to nothing"});
  fs::remove(folder / "links/config.json");
  write_file(folder / "links/config.json", "{}");
  fs::create_symlink(folder / "nowhere", folder / "links/model.safetensors");
  expect_user_error([&] { Checkpoint::open(folder / "links"); }, {"model.safetensors: a link to nothing"});
  expect_user_error([&] { Checkpoint::open(folder / "dangling"); }, {"no such folder"});
}

TEST(CorruptShardIndex, BadIndexesAreUserErrors) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"", {"i.json:1:1"}},
      {"[]", {"expected a JSON object"}},
      {"{}", {"weight_map is missing"}},
      {R"({"weight_map": []})", {"weight_map: is not an object"}},
      {R"({"weight_map": {}})", {"weight_map: names no tensors"}},
      {R"({"weight_map": {"a": 1}})", {"weight_map: a: found 1"}},
      {R"({"weight_map": {"a": ""}})", {"found \"\""}},
      {R"({"weight_map": {"a": ".."}})", {"found \"..\""}},
      {R"({"weight_map": {"a": "/etc/passwd"}})", {"found \"/etc/passwd\""}},
      {R"({"weight_map": {"a": "x\u0000y"}})", {"x\\u0000y"}},
      {R"({"weight_map": {"a": "1", "a": "2"}})", {"duplicate key"}},
  };
  for (const auto& [text, fragments] : cases) {
    SCOPED_TRACE(text);
    expect_user_error([&, &text = text] { parse_shard_index(text, "i.json"); }, fragments);
  }
}

}  // namespace
}  // namespace espalier
