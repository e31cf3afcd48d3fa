#include "checkpoint/checkpoint.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/mapped_file.h"
#include "paths.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::expect_user_error;

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
  expect_user_error([] { MappedFile("/dev/null"); }, {"is not a regular file"});
}

}  // namespace
}  // namespace espalier
