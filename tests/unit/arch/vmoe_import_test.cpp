#include "arch/vmoe_import.h"

#include <gtest/gtest.h>

#include "arch/family.h"
#include "base/files.h"
#include "base/rng.h"
#include "unit/base/user_error.h"
#include "written_vmoe.h"

namespace espalier {
namespace {

using namespace testing;
using Written = std::map<std::string, WrittenArray>;

constexpr std::int64_t D = 6, F = 4, E = 2, P = 2, H = 3, kLabels = 5;

void add(Written& arrays, const std::string& name, std::vector<std::int64_t> shape) {
  std::int64_t count = 1;
  for (const auto size : shape) count *= size;
  Rng rng(arrays.size());
  WrittenArray array{std::move(shape), {}};
  for (std::int64_t i = 0; i < count; ++i) array.values.push_back(static_cast<float>(rng.normal()));
  arrays["params/" + name] = std::move(array);
}

/// Two blocks on images of 4 x 4, the second with experts, and a step counter beside the parameters.
Written small_checkpoint() {
  Written arrays;
  add(arrays, "embedding/kernel", {P, P, 3, D});
  add(arrays, "embedding/bias", {D});
  add(arrays, "cls", {1, 1, D});
  add(arrays, "Encoder/posembed_input/pos_embedding", {1, 5, D});
  for (const std::string block : {"Encoder/encoderblock_0/", "Encoder/encoderblock_1/"}) {
    for (const char* norm : {"LayerNorm_0", "LayerNorm_1"}) {
      add(arrays, block + norm + "/scale", {D});
      add(arrays, block + norm + "/bias", {D});
    }
    for (const char* part : {"query", "key", "value"}) {
      add(arrays, block + "SelfAttention/" + part + "/kernel", {D, H, D / H});
      add(arrays, block + "SelfAttention/" + part + "/bias", {H, D / H});
    }
    add(arrays, block + "SelfAttention/out/kernel", {H, D / H, D});
    add(arrays, block + "SelfAttention/out/bias", {D});
  }
  const std::string dense = "Encoder/encoderblock_0/Mlp/", moe = "Encoder/encoderblock_1/Moe/";
  add(arrays, dense + "Dense_0/kernel", {D, F});
  add(arrays, dense + "Dense_0/bias", {F});
  add(arrays, dense + "Dense_1/kernel", {F, D});
  add(arrays, dense + "Dense_1/bias", {D});
  add(arrays, moe + "Router/dense/kernel", {D, E});
  add(arrays, moe + "Mlp/Dense_0/kernel", {E, D, F});
  add(arrays, moe + "Mlp/Dense_0/bias", {E, F});
  add(arrays, moe + "Mlp/Dense_1/kernel", {E, F, D});
  add(arrays, moe + "Mlp/Dense_1/bias", {E, D});
  add(arrays, "Encoder/encoder_norm/scale", {D});
  add(arrays, "Encoder/encoder_norm/bias", {D});
  add(arrays, "head/kernel", {D, kLabels});
  add(arrays, "head/bias", {kLabels});
  arrays["step"] = {{1}, {7}};
  return arrays;
}

ImportedVmoe imported(const Written& arrays) {
  const TemporaryFolder folder;
  const auto prefix = write_partitioned(folder, arrays);
  const auto under = parameters_prefix(prefix);
  return import_vmoe(read_partitioned_checkpoint(prefix, under), under, {.experts_per_token = 1}, prefix);
}

TEST(VmoeImport, ArraysSurviveShardsAndPieces) {
  const TemporaryFolder folder;
  const auto arrays = small_checkpoint();
  const auto prefix = write_partitioned(folder, arrays);
  EXPECT_EQ(parameters_prefix(prefix), "params/");
  const auto read = read_partitioned_checkpoint(prefix, "");
  ASSERT_EQ(read.size(), arrays.size());
  for (const auto& [name, array] : arrays) {
    EXPECT_EQ(read.at(name).shape, array.shape) << name;
    EXPECT_EQ(read.at(name).values, array.values) << name;
  }
}

TEST(VmoeImport, ShapesTellTheConfig) {
  const auto config = imported(small_checkpoint()).config;
  EXPECT_EQ(config.image_size, 4);
  EXPECT_EQ(config.patch_size, P);
  EXPECT_EQ(config.hidden_size, D);
  EXPECT_EQ(config.num_attention_heads, H);
  EXPECT_EQ(config.intermediate_size, F);
  EXPECT_EQ(config.num_hidden_layers, 2);
  ASSERT_EQ(config.moe.size(), 1U);
  EXPECT_EQ(config.moe[0].block, 1);
  EXPECT_EQ(config.moe[0].experts, E);
  EXPECT_EQ(config.labels.size(), static_cast<std::size_t>(kLabels));
}

/// Entry by entry, each at its place in the other layout.
TEST(VmoeImport, KernelsAreTransposed) {
  const auto arrays = small_checkpoint();
  const auto tensors = imported(arrays).tensors;
  const auto at = [](const std::vector<float>& values, std::int64_t i) {
    return values[static_cast<std::size_t>(i)];
  };
  const auto& query =
      arrays.at("params/Encoder/encoderblock_0/SelfAttention/query/kernel").values;  // [D, H, d]
  const auto& output =
      arrays.at("params/Encoder/encoderblock_0/SelfAttention/out/kernel").values;  // [H, d, D]
  for (std::int64_t i = 0; i < D; ++i)
    for (std::int64_t o = 0; o < D; ++o) {
      EXPECT_EQ(at(tensors.at("encoder.layer.0.attention.query.weight").values, o * D + i),
                at(query, i * D + o));
      EXPECT_EQ(at(tensors.at("encoder.layer.0.attention.output.weight").values, o * D + i),
                at(output, i * D + o));
    }
  const auto& up = arrays.at("params/Encoder/encoderblock_1/Moe/Mlp/Dense_0/kernel").values;  // [E, D, F]
  for (std::int64_t i = 0; i < D; ++i)
    for (std::int64_t o = 0; o < F; ++o)
      EXPECT_EQ(at(tensors.at("encoder.layer.1.moe.experts.1.intermediate.dense.weight").values, o * D + i),
                at(up, D * F + i * F + o));
  const auto& patch = arrays.at("params/embedding/kernel").values;  // [P, P, 3, D]
  for (std::int64_t i = 0; i < P * P * 3; ++i)
    EXPECT_EQ(at(tensors.at("embeddings.patch.weight").values, 4 * P * P * 3 + i), at(patch, i * D + 4));
  const auto& router = arrays.at("params/Encoder/encoderblock_1/Moe/Router/dense/kernel").values;  // [D, E]
  EXPECT_EQ(at(tensors.at("encoder.layer.1.moe.router.weight").values, D + 2), at(router, 2 * E + 1));
}

TEST(VmoeImport, WritesAModelOfTheFamily) {
  const TemporaryFolder folder;
  write_imported(imported(small_checkpoint()), folder / "model", Dtype::kF32);
  const auto checkpoint = Checkpoint::open(folder / "model");
  const auto& family = family_of(checkpoint.config(), "config.json");
  EXPECT_EQ(family.model_type, "espalier_vmoe");
  EXPECT_NO_THROW(family.check(checkpoint));
  EXPECT_EQ(family.topology(checkpoint).layers.size(), 1U);
}

TEST(VmoeImport, WhatIsMissingIsNamed) {
  auto arrays = small_checkpoint();
  arrays.erase("params/Encoder/encoderblock_1/Moe/Mlp/Dense_1/bias");
  expect_user_error([&] { imported(arrays); },
                    {"params/Encoder/encoderblock_1/Moe/Mlp/Dense_1/bias is missing"});
  arrays = small_checkpoint();
  add(arrays, "Encoder/posembed_input/pos_embedding", {1, 7, D});
  expect_user_error([&] { imported(arrays); }, {"7 positions, expected a square grid and the class token"});
  arrays = small_checkpoint();
  add(arrays, "Encoder/encoderblock_1/Moe/Mlp/Dense_1/kernel", {E + 1, F, D});
  expect_user_error([&] { imported(arrays); }, {"Dense_1", "are not of 2 experts"});
}

TEST(VmoeImport, DamagedFilesAreUserErrors) {
  const TemporaryFolder folder;
  const auto prefix = write_partitioned(folder, small_checkpoint());
  const auto shard = prefix + ".data-00001-of-00002";
  const auto content = read_file(shard);
  folder.write("ckpt_1.data-00001-of-00002", content.substr(0, content.size() / 2));
  expect_user_error([&] { read_partitioned_checkpoint(prefix, "params/"); },
                    {"ckpt_1.data-00001-of-00002", "cut short"});
  folder.write("ckpt_1.data-00001-of-00002", packed_map({{"__msgpack_array_chunk_a87ca2__", "\xC3"}}));
  expect_user_error([&] { read_partitioned_checkpoint(prefix, "params/"); }, {"values are in the shards"});
  std::filesystem::remove(shard);
  expect_user_error([&] { read_partitioned_checkpoint(prefix, "params/"); }, {"ckpt_1.data-00001-of-00002"});
  folder.write("ckpt_1.index", packed(3));
  expect_user_error([&] { parameters_prefix(prefix); }, {"ckpt_1.index: expected a map"});
}

}  // namespace
}  // namespace espalier
