#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/files.h"
#include "base/rng.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

std::vector<std::byte> random_bytes(std::uint64_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(rng());
  return bytes;
}

TensorSource source(std::string name, Dtype dtype, std::vector<std::int64_t> shape,
                    std::vector<std::byte> bytes) {
  return {std::move(name), dtype, std::move(shape), [bytes = std::move(bytes)](std::span<std::byte> out) {
            ASSERT_EQ(out.size(), bytes.size());
            std::copy(bytes.begin(), bytes.end(), out.begin());
          }};
}

/// A tensor of every dtype, with odd sizes, an empty one and a scalar among them.
std::vector<TensorSource> tensors_of_every_dtype(std::uint64_t seed) {
  const std::vector<std::vector<std::int64_t>> shapes{{3, 5}, {}, {0, 4}, {7}, {2, 1, 3}};
  std::vector<TensorSource> tensors;
  for (int i = 0; i <= static_cast<int>(Dtype::kU64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    for (const auto& shape : shapes) {
      const std::uint64_t bytes = tensor_bytes(dtype, shape).value();
      tensors.push_back(source(fmt::format("t{}\"\xc3\xa9", tensors.size()), dtype, shape,
                               random_bytes(bytes, seed + tensors.size())));
    }
  }
  return tensors;
}

TEST(WriteSafetensors, EveryDtypeReadsBackBitForBit) {
  const TemporaryFolder folder;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const std::vector<TensorSource> tensors = tensors_of_every_dtype(seed);
    write_safetensors(folder / "a.safetensors", tensors, {{"format", "pt"}, {"note", "x\ny"}});
    const SafetensorsFile file = SafetensorsFile::open(folder / "a.safetensors");
    EXPECT_EQ(file.names().size(), tensors.size());
    EXPECT_EQ(file.metadata().at("note"), "x\ny");
    for (const TensorSource& tensor : tensors) {
      const TensorView view = file.tensor(tensor.name);
      EXPECT_EQ(view.dtype, tensor.dtype);
      EXPECT_TRUE(std::equal(view.shape.begin(), view.shape.end(), tensor.shape.begin(), tensor.shape.end()));
      std::vector<std::byte> expected(view.bytes.size());
      tensor.fill(expected);
      EXPECT_TRUE(std::equal(view.bytes.begin(), view.bytes.end(), expected.begin())) << tensor.name;
      EXPECT_EQ(static_cast<std::size_t>(view.elements()) * size_bytes(view.dtype), view.bytes.size());
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.bytes.data()) % size_bytes(view.dtype), 0U)
          << tensor.name;
    }
  }
}

TEST(WriteSafetensors, TheOrderOfTheSourcesDoesNotMatter) {
  const TemporaryFolder folder;
  std::vector<TensorSource> tensors = tensors_of_every_dtype(1);
  write_safetensors(folder / "a", tensors, {{"b", "2"}, {"a", "1"}});
  std::reverse(tensors.begin(), tensors.end());
  write_safetensors(folder / "b", tensors, {{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

TEST(WriteSafetensors, ExactBytes) {
  const TemporaryFolder folder;
  const std::uint16_t halves[] = {0x3f80, 0x4000};
  const auto bytes = std::as_bytes(std::span(halves));
  write_safetensors(folder / "a", {source("w", Dtype::kBF16, {2}, {bytes.begin(), bytes.end()})},
                    {{"k", "v"}});
  const std::string header =
      R"({"__metadata__":{"k":"v"},"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})";
  ASSERT_EQ(header.size() % 8, 0U);
  const std::string expected = std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') +
                               header + std::string("\x80\x3f\x00\x40", 4);
  EXPECT_EQ(read_file(folder / "a"), expected);
}

TEST(WriteSafetensors, NoTensorsAtAll) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a", {});
  EXPECT_TRUE(SafetensorsFile::open(folder / "a").names().empty());
}

TEST(WriteSafetensors, AFillThatThrowsLeavesTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  EXPECT_THROW(
      write_safetensors(folder / "a", {{"t", Dtype::kF32, {2}, [](auto) { throw Interrupted("stop"); }}}),
      Interrupted);
  EXPECT_EQ(read_file(folder / "a"), "old");
}

TEST(WriteSafetensors, FaultsOfTheCallerAreInternalErrors) {
  const TemporaryFolder folder;
  const TensorSource tensor = source("t", Dtype::kU8, {1}, random_bytes(1, 0));
  EXPECT_THROW(write_safetensors(folder / "a", {tensor, tensor}), InternalError);
  EXPECT_THROW(write_safetensors(folder / "a", {source("t", Dtype::kU8, {-1}, {})}), InternalError);
  EXPECT_THROW(write_safetensors(folder / "a", {source("__metadata__", Dtype::kU8, {}, {})}), InternalError);
}

TEST(WriteSafetensors, AFullDiskIsFoundBeforeAnyTensorIsFilled) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int filled = 0;
    try {
      write_safetensors(folder / "a", {{"t", Dtype::kU8, {1'000'000}, [&](auto) { ++filled; }}});
      ::_exit(1);
    } catch (const UserError& error) {
      const bool said =
          std::string(error.what()).find("1000080 bytes are more than a file may have") != std::string::npos;
      ::_exit(said && !std::filesystem::exists(folder / "a") ? 10 + filled : 2);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 10);
}

}  // namespace
}  // namespace espalier
