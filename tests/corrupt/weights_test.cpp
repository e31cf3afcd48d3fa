// Checkpoints whose weights cannot be what config.json and their companions say.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<std::int64_t> shape;
};

/// Tensors of zeros, and what must be said when "w.weight" is read.
struct BadWeight {
  const char* title;
  const char* quantization;
  std::vector<StoredTensor> tensors;
  std::vector<std::string> fragments;
};

std::ostream& operator<<(std::ostream& out, const BadWeight& bad) {
  return out << bad.title;
}

constexpr const char* kBlocks = R"({"quant_method": "fp8", "weight_block_size": [4, 2]})";
const StoredTensor kFp8{"w.weight", Dtype::kF8E4M3, {6, 5}};

const std::vector<BadWeight> kBadWeights{
    {"no tensor of the name",
     "{}",
     {{"v.weight", Dtype::kF32, {2}}},
     {"there is no tensor w.weight", "v.weight"}},
    {"numbers that are integers",
     "{}",
     {{"w.weight", Dtype::kI32, {6, 5}}},
     {"tensor w.weight is I32", "floating-point"}},
    {"FP8 without scales", kBlocks, {kFp8}, {"tensor w.weight is F8_E4M3", "w.weight_scale_inv"}},
    {"scales of integers",
     kBlocks,
     {kFp8, {"w.weight_scale_inv", Dtype::kI32, {2, 3}}},
     {"tensor w.weight_scale_inv is I32", "F32"}},
    {"scales in FP8",
     kBlocks,
     {kFp8, {"w.weight_scale", Dtype::kF8E4M3, {2, 3}}},
     {"tensor w.weight_scale is F8_E4M3"}},
    {"a row of scales too few",
     kBlocks,
     {kFp8, {"w.weight_scale_inv", Dtype::kF32, {1, 3}}},
     {"tensor w.weight_scale_inv [1, 3] does not fit w.weight [6, 5] in blocks of 4 x 2",
      "weight_block_size"}},
    {"scales of blocks of 128",
     R"({"quant_method": "fp8"})",
     {kFp8, {"w.weight_scale_inv", Dtype::kF32, {2, 3}}},
     {"in blocks of 128 x 128"}},
    {"no scales in their tensor",
     kBlocks,
     {kFp8, {"w.weight_scale_inv", Dtype::kF32, {0}}},
     {"w.weight_scale_inv [0]"}},
    {"scales of a row of another matrix",
     kBlocks,
     {kFp8, {"w.weight_scale", Dtype::kF32, {7}}},
     {"w.weight_scale [7]"}},
    {"packed integers",
     R"({"quant_method": "gptq", "bits": 4})",
     {{"w.qweight", Dtype::kI32, {1, 8}}, {"w.scales", Dtype::kF16, {1, 8}}},
     {"tensor w.qweight is stored as gptq", "not read", "BF16 or FP8"}},
    {"blocks of no rows",
     R"({"weight_block_size": [0, 2]})",
     {kFp8},
     {"config.json: quantization_config.weight_block_size", "[0,2]"}},
};

class BadWeights : public ::testing::TestWithParam<BadWeight> {};
INSTANTIATE_TEST_SUITE_P(Table, BadWeights, ::testing::ValuesIn(kBadWeights));

TEST_P(BadWeights, AreRefusedByName) {
  const TemporaryFolder folder;
  nlohmann::json config;
  config["quantization_config"] = nlohmann::json::parse(GetParam().quantization);
  write_file(folder.path() / "config.json", dump_json(config));
  std::vector<TensorSource> sources;
  for (const StoredTensor& tensor : GetParam().tensors) {
    sources.push_back({tensor.name, tensor.dtype, tensor.shape,
                       [](std::span<std::byte> to) { std::fill(to.begin(), to.end(), std::byte{0}); }});
  }
  write_safetensors(folder.path() / "model.safetensors", std::move(sources));
  expect_user_error(
      [&] {
        const Checkpoint checkpoint = Checkpoint::open(folder.path());
        const formats::Weight weight = checkpoint.weight("w.weight");
        std::vector<float> values(static_cast<std::size_t>(weight.elements()));
        weight.decode_rows(0, weight.rows, values.data());
      },
      GetParam().fragments);
}

}  // namespace
}  // namespace espalier
