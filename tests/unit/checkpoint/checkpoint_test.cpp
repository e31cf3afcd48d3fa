#include "checkpoint/checkpoint.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "base/files.h"
#include "base/input_watch.h"
#include "base/json.h"
#include "checkpoint/folder_notes.h"
#include "checkpoint/mapped_file.h"
#include "paths.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::expect_user_error;
using nlohmann::json;

const fs::path kGolden = fs::path(source_dir()) / "tests/golden";

TEST(Checkpoint, OpensAFileWrittenByHuggingFace) {
  const Checkpoint checkpoint = Checkpoint::open(kGolden / "bert");
  EXPECT_EQ(checkpoint.config().at("hidden_size"), 64);
  EXPECT_EQ(checkpoint.names().size(), 55U);
  EXPECT_EQ(checkpoint.file_bytes(), 572904U);
  const TensorView view = checkpoint.tensor("encoder.layer.1.output.dense.weight");
  EXPECT_EQ(view.dtype, Dtype::kF32);
  EXPECT_EQ((std::vector<std::int64_t>(view.shape.begin(), view.shape.end())),
            (std::vector<std::int64_t>{64, 160}));
  EXPECT_EQ(view.elements(), 64 * 160);
  // data_offsets [358400, 399360] of the header, which takes 8 + 5728 bytes.
  const std::string whole = read_file(kGolden / "bert/model.safetensors");
  ASSERT_EQ(view.bytes.size(), 40960U);
  EXPECT_EQ(std::memcmp(view.bytes.data(), whole.data() + 5736 + 358400, view.bytes.size()), 0);
}

TEST(Checkpoint, NamesTheNearestTensor) {
  const Checkpoint checkpoint = Checkpoint::open(kGolden / "bert");
  expect_user_error([&] { checkpoint.tensor("encoder.layer.1.output.dense.wieght"); },
                    {"golden/bert: there is no tensor encoder.layer.1.output.dense.wieght",
                     "did you mean encoder.layer.1.output.dense.weight?"});
}

TEST(Checkpoint, OpensShards) {
  const Checkpoint checkpoint = Checkpoint::open(kGolden / "mixtral-sharded");
  EXPECT_EQ(checkpoint.files().size(), 3U);
  const auto index = read_json(kGolden / "mixtral-sharded/model.safetensors.index.json");
  EXPECT_EQ(checkpoint.names().size(), index.at("weight_map").size());
  std::uint64_t bytes = 0;
  for (const std::string_view name : checkpoint.names()) bytes += checkpoint.tensor(name).bytes.size();
  EXPECT_EQ(bytes, index.at("metadata").at("total_size").get<std::uint64_t>());
}

TEST(Checkpoint, EveryShardIsWatchedWhileItIsOpen) {
  const TemporaryFolder folder;
  fs::copy(kGolden / "mixtral-sharded", folder.path(), fs::copy_options::recursive);
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  expect_inputs_unchanged();
  const fs::path last = checkpoint.files().back();
  write_file(folder / "copy", read_file(last));
  fs::rename(folder / "copy", last);  // the same bytes in another file
  expect_user_error([] { expect_inputs_unchanged(); },
                    {last.filename().string(), "changed while it was in use"});
}

TEST(Checkpoint, StaysValidWhenMoved) {
  Checkpoint checkpoint = Checkpoint::open(kGolden / "bert");
  const TensorView view = checkpoint.tensor("pooler.dense.bias");
  const Checkpoint moved = std::move(checkpoint);
  EXPECT_EQ(moved.tensor("pooler.dense.bias").bytes.data(), view.bytes.data());
  EXPECT_EQ(view.name, "pooler.dense.bias");
}

TEST(Checkpoint, FollowsSymbolicLinks) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "snapshot");
  for (const char* name : {"config.json", "model.safetensors"}) {
    fs::create_symlink(kGolden / "bert" / name, folder / "snapshot" / name);
  }
  fs::create_directory_symlink(folder / "snapshot", folder / "link");
  EXPECT_EQ(Checkpoint::open(folder / "link").names().size(), 55U);
}

TEST(MappedFile, EmptyAbsentAndOddFiles) {
  const TemporaryFolder folder;
  write_file(folder / "empty", "");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
  expect_user_error([&] { MappedFile(folder / "absent"); }, {"absent: no such file"});
  expect_user_error([&] { MappedFile(folder.path()); }, {"is not a regular file"});
  EXPECT_TRUE(MappedFile("/dev/null").bytes().empty());
}

/// A folder with tensors of one byte in shards.
struct Sharded {
  TemporaryFolder folder;

  void shard(const std::string& file, const std::vector<std::pair<std::string, char>>& tensors) const {
    json header;
    std::string data;
    for (const auto& [name, value] : tensors) {
      header[name] = {{"dtype", "U8"}, {"shape", {1}}, {"data_offsets", {data.size(), data.size() + 1}}};
      data += value;
    }
    const std::string text = header.dump();
    std::string length(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> (8 * i));
    write_file(folder / file, length + text + data);
  }
  void index(const std::string& map) const {
    write_file(folder / "config.json", "{}");
    write_file(folder / "model.safetensors.index.json", R"({"weight_map": )" + map + "}");
  }
};

TEST(Checkpoint, TheIndexSaysWhatCounts) {
  const Sharded s;
  s.index(R"({"a": "model-1.safetensors", "b": "model-2.safetensors"})");
  s.shard("model-1.safetensors", {{"a", 1}, {"b", 7}, {"inv_freq", 3}});
  s.shard("model-2.safetensors", {{"b", 2}});
  const Checkpoint checkpoint = Checkpoint::open(s.folder.path());
  EXPECT_EQ(checkpoint.names(), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(checkpoint.tensor("a").bytes[0], std::byte{1});
  EXPECT_EQ(checkpoint.tensor("b").bytes[0], std::byte{2});
  EXPECT_TRUE(folder_notes(s.folder.path()).empty());
}

TEST(FolderNotes, NameWhatIsPassedOver) {
  const Sharded s;
  s.index(R"({"a": "model-1.safetensors"})");
  s.shard("model-1.safetensors", {{"a", 1}});
  s.shard("model-2.safetensors", {{"a", 2}});
  EXPECT_EQ(folder_notes(s.folder.path()),
            std::vector{s.folder.path().string() + ": model-2.safetensors: not in the index, passed over"});
  s.shard("model.safetensors", {{"a", 3}});
  fs::create_symlink("../blobs/gone", s.folder / "tokenizer.json");
  EXPECT_EQ(
      folder_notes(s.folder.path()),
      (std::vector{s.folder.path().string() + ": model.safetensors is read; model-1.safetensors and 1 more "
                                              "shards and model.safetensors.index.json beside it are passed "
                                              "over",
                   (s.folder / "tokenizer.json").string() + ": a link to nothing (../blobs/gone)"}));
  EXPECT_TRUE(folder_notes(s.folder / "absent").empty());
}

}  // namespace
}  // namespace espalier
