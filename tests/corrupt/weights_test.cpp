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
  int fill = 0;  // each byte
};

/// Tensors of one byte again and again, and what must be said when "w.weight" is read.
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
constexpr const char* kGptq = R"({"quant_method": "gptq", "bits": 4, "checkpoint_format": "gptq"})";
constexpr const char* kPacked = R"({"quant_method": "compressed-tensors"})";
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
    {"FP8 scales of zero",
     kBlocks,
     {kFp8, {"w.weight_scale_inv", Dtype::kF32, {2, 3}}},
     {"tensor w.weight_scale_inv: scale 0 is zero"}},
    {"FP8 scales that are no numbers",
     kBlocks,
     {kFp8, {"w.weight_scale_inv", Dtype::kBF16, {2, 3}, 0xff}},
     {"tensor w.weight_scale_inv: scale 0 is NaN"}},
    {"an unknown method",
     R"({"quant_method": "hqq", "bits": 4})",
     {{"w.qweight", Dtype::kI32, {1, 8}}, {"w.scales", Dtype::kF16, {1, 8}}},
     {"quantization_config.quant_method: found \"hqq\"", "known: awq, compressed-tensors, fp8, gptq",
      "BF16"}},
    {"GPTQ without zero points",
     kGptq,
     {{"w.qweight", Dtype::kI32, {1, 8}}, {"w.scales", Dtype::kF16, {1, 8}}},
     {"tensor w.qweight is there without its zero points"}},
    {"GPTQ scales of another matrix",
     kGptq,
     {{"w.qweight", Dtype::kI32, {1, 8}},
      {"w.scales", Dtype::kF16, {1, 7}},
      {"w.qzeros", Dtype::kI32, {1, 1}}},
     {"tensor w.scales [1, 7] does not fit w.qweight, which stands for [8, 8]", "[1, 8]"}},
    {"GPTQ in groups that are none",
     kGptq,
     {{"w.qweight", Dtype::kI32, {1, 8}},
      {"w.scales", Dtype::kF16, {3, 8}},
      {"w.qzeros", Dtype::kI32, {3, 1}}},
     {"tensor w.scales has scales of 3 groups of the 8 inputs", "group_size"}},
    {"GPTQ scales of zero",
     kGptq,
     {{"w.qweight", Dtype::kI32, {1, 8}},
      {"w.scales", Dtype::kF16, {1, 8}},
      {"w.qzeros", Dtype::kI32, {1, 1}}},
     {"tensor w.scales: scale 0 is zero"}},
    {"a GPTQ order that leads out of the groups",
     kGptq,
     {{"w.qweight", Dtype::kI32, {1, 8}},
      {"w.scales", Dtype::kF16, {1, 8}, 0x3c},
      {"w.qzeros", Dtype::kI32, {1, 1}},
      {"w.g_idx", Dtype::kI32, {8}, 0x7f}},
     {"tensor w.g_idx: input 0 is of group 2139062143, expected one from 0 to 0"}},
    {"GPTQ in an engine's own layout",
     R"({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"})",
     {{"w.qweight", Dtype::kI32, {1, 8}},
      {"w.scales", Dtype::kF16, {1, 8}},
      {"w.qzeros", Dtype::kI32, {1, 1}}},
     {"in the layout \"marlin\"", "gptq_v2"}},
    {"GPTQ of three bits",
     R"({"quant_method": "gptq", "bits": 3})",
     {{"w.qweight", Dtype::kI32, {3, 8}},
      {"w.scales", Dtype::kF16, {1, 8}},
      {"w.qzeros", Dtype::kI32, {1, 1}}},
     {"tensor w.qweight is GPTQ of 3 bits"}},
    {"AWQ in another order",
     R"({"quant_method": "awq", "bits": 4, "version": "gemv"})",
     {{"w.qweight", Dtype::kI32, {8, 1}},
      {"w.scales", Dtype::kF16, {1, 8}},
      {"w.qzeros", Dtype::kI32, {1, 1}}},
     {"in the layout \"gemv\"", "gemm"}},
    {"AWQ without scales",
     R"({"quant_method": "awq", "bits": 4, "version": "gemm"})",
     {{"w.qweight", Dtype::kI32, {8, 1}}},
     {"tensor w.qweight is there without its scales"}},
    {"packed integers of another shape",
     kPacked,
     {{"w.weight_packed", Dtype::kI32, {4, 2}},
      {"w.weight_scale", Dtype::kBF16, {4, 1}, 0x3f},
      {"w.weight_shape", Dtype::kI64, {2}, 1}},
     {"tensor w.weight_packed is [4, 2], which does not hold the [72340172838076673", "w.weight_shape says"}},
    {"packed integers without a shape",
     kPacked,
     {{"w.weight_packed", Dtype::kI32, {4, 2}}, {"w.weight_scale", Dtype::kBF16, {4, 1}, 0x3f}},
     {"tensor w.weight_packed is there without its shape"}},
    {"MXFP4 without scales", kPacked, {{"w.weight_packed", Dtype::kU8, {4, 16}}}, {"without its scales"}},
    {"MXFP4 scales of a row too few",
     kPacked,
     {{"w.weight_packed", Dtype::kU8, {4, 16}}, {"w.weight_scale", Dtype::kU8, {3, 1}, 120}},
     {"tensor w.weight_scale [3, 1] does not fit w.weight_packed, which stands for [4, 32]", "[4, 1]"}},
    {"MXFP4 scales that are no numbers",
     kPacked,
     {{"w.weight_packed", Dtype::kU8, {4, 16}}, {"w.weight_scale", Dtype::kU8, {4, 1}, 255}},
     {"tensor w.weight_scale: scale 0 is NaN"}},
    {"blocks of another size",
     R"({"quant_method": "mxfp4"})",
     {{"w.weight_blocks", Dtype::kU8, {2, 4, 2, 8}}, {"w.weight_scales", Dtype::kU8, {2, 4, 2}, 120}},
     {"tensor w.weight_blocks [2, 4, 2, 8] does not fit", "[2, 4, 2, 16]"}},
    {"NVFP4 without the scale of the tensor",
     kPacked,
     {{"w.weight_packed", Dtype::kU8, {4, 16}}, {"w.weight_scale", Dtype::kF8E4M3, {4, 2}, 0x38}},
     {"tensor w.weight_packed is there without its scale of the whole tensor"}},
    {"an NVFP4 scale of the tensor that is zero",
     kPacked,
     {{"w.weight_packed", Dtype::kU8, {4, 16}},
      {"w.weight_scale", Dtype::kF8E4M3, {4, 2}, 0x38},
      {"w.weight_global_scale", Dtype::kF32, {1}}},
     {"tensor w.weight_global_scale: scale 0 is zero"}},
    {"NVFP4 scales that are zero",
     R"({"quant_method": "modelopt"})",
     {{"w.weight", Dtype::kU8, {4, 16}},
      {"w.weight_scale", Dtype::kF8E4M3, {4, 2}},
      {"w.weight_scale_2", Dtype::kF32, {}, 0x3f}},
     {"tensor w.weight_scale: scale 0 is zero"}},
    {"NVFP4 of Model Optimizer without scales",
     R"({"quant_method": "modelopt"})",
     {{"w.weight", Dtype::kU8, {4, 16}}},
     {"tensor w.weight is there without its scales"}},
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
                       [fill = static_cast<std::byte>(tensor.fill)](std::span<std::byte> to) {
                         std::fill(to.begin(), to.end(), fill);
                       }});
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
