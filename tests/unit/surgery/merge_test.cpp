// Merges on files: orders of neurons, FP8 with scales, and what cannot be merged.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "unit/base/user_error.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

using namespace fixtures;

std::vector<float> floats(const Checkpoint& checkpoint, const std::string& name) {
  const TensorView tensor = checkpoint.tensor(name);
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  to_float32(tensor.dtype, tensor.bytes, values);
  return values;
}

const std::string kExpert = "model.layers.1.block_sparse_moe.experts.";

TEST(MergeInOrder, GathersRowsAndColumns) {
  const SurgeryFolder folder;
  const Checkpoint before = store_small(folder.model(), "mixtral", SmallStorage::kPublished);
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  const std::vector<int> order{5, 3, 0, 1, 2, 4};
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.25}, {{}, order}}};
  folder.apply(plan);
  folder.verify();
  const Checkpoint after = Checkpoint::open(folder.out());
  const auto rounded = [](float value) {
    std::vector<std::byte> bytes(2);
    from_float32(Dtype::kBF16, {&value, 1}, bytes);
    to_float32(Dtype::kBF16, bytes, {&value, 1});
    return value;
  };
  const auto D = static_cast<std::size_t>(kSmallWidth), F = static_cast<std::size_t>(kSmallInner);
  for (const char* projection : {"w1", "w3"}) {
    const std::string weight = std::string(".") + projection + ".weight";
    const auto own = floats(before, kExpert + "0" + weight), other = floats(before, kExpert + "6" + weight),
               sum = floats(after, kExpert + "0" + weight);
    for (std::size_t f = 0; f < F; ++f)
      for (std::size_t d = 0; d < D; ++d)
        EXPECT_EQ(sum[f * D + d],
                  rounded(0.5F * own[f * D + d] + 0.25F * other[static_cast<std::size_t>(order[f]) * D + d]));
  }
  const auto own = floats(before, kExpert + "0.w2.weight"), other = floats(before, kExpert + "6.w2.weight"),
             sum = floats(after, kExpert + "0.w2.weight");
  for (std::size_t d = 0; d < D; ++d)
    for (std::size_t f = 0; f < F; ++f)
      EXPECT_EQ(sum[d * F + f],
                rounded(0.5F * own[d * F + f] + 0.25F * other[d * F + static_cast<std::size_t>(order[f])]));
}

TEST(MergeInOrder, WhatDoesNotFitIsRefused) {
  const SurgeryFolder folder;
  store_small(folder.model(), "mixtral", SmallStorage::kPublished);
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}, {{}, {1, 0, 2}}}};
  expect_user_error([&] { folder.apply(plan); }, {"layer 1: the plan orders 3 neurons", "has 6"});
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}, {{}, {1, 1, 2, 3, 4, 5}}}};
  expect_user_error([&] { folder.apply(plan); }, {"layers[1].merge[0].neurons[1]"});
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}, {{1, 0, 2, 3, 4, 5}}}};
  expect_user_error([&] { folder.apply(plan); }, {"layers[1].merge[0].neurons"});
  const SurgeryFolder stacked;
  store_small(stacked.model(), "qwen3_moe", SmallStorage::kStacked);
  plan.layers.erase(plan.layers.begin() + 1);
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}, {{}, {1, 0, 2, 3, 4, 5}}}};
  expect_user_error([&] { stacked.apply(plan); }, {"stored stacked"});
}

TEST(MergeAcrossRouterGroups, IsRefusedUnlessGroupsAreReset) {
  const SurgeryFolder folder;
  store_small(folder.model(), "deepseek_v2", SmallStorage::kPublished);
  Plan plan = plan_keeping({1, 2}, {0, 1, 4, 5});
  plan.layers[0].merge = {{1, {1, 6}, {0.5, 0.5}}};
  expect_user_error(
      [&] { folder.apply(plan); },
      {"layer 1: expert 6 of router group 1 is merged into expert 1 of group 0", "--reset-groups"});
  folder.apply(plan, SurgeryOptions{.groups = RouterGroups::kReset});
}

TEST(MergeOfADroppedExpert, IsRefused) {
  const SurgeryFolder folder;
  store_small(folder.model(), "mixtral", SmallStorage::kPublished);
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[0].merge = {{6, {6, 7}, {0.5, 0.5}}};
  expect_user_error([&] { folder.apply(plan); }, {"layers[0].merge[0].into: expert 6 is not kept"});
}

TEST(MergeOfExpertsOfDifferentShapes, IsRefused) {
  const SurgeryFolder folder;
  std::vector<SmallTensor> tensors = small_tensors("mixtral");
  for (SmallTensor& tensor : tensors)
    if (tensor.name == kExpert + "6.w1.weight") tensor.shape = {kSmallInner + 2, kSmallWidth};
  store(folder.model(), small_config("mixtral"), tensors);
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}}};
  expect_user_error([&] { folder.apply(plan); }, {kExpert + "6.w1.weight"});
}

/// The small model with its experts in E4M3 and a scale for each block of 4 x 2.
void store_fp8(const std::filesystem::path& folder, bool with_scales = true, bool with_input_scales = false) {
  std::vector<TensorSource> sources;
  const auto add = [&](const SmallTensor& tensor) {
    sources.push_back({tensor.name, tensor.dtype, tensor.shape, [tensor](std::span<std::byte> out) {
                         auto bytes = bytes_of(tensor);
                         for (std::byte& byte : bytes)  // no NaN
                           if (tensor.dtype == Dtype::kF8E4M3 && (byte & std::byte{0x7f}) == std::byte{0x7f})
                             byte = std::byte{1};
                         std::copy(bytes.begin(), bytes.end(), out.begin());
                       }});
  };
  for (SmallTensor tensor : small_tensors("mixtral")) {
    if (tensor.name.find(".experts.") != std::string::npos) {
      tensor.dtype = Dtype::kF8E4M3;
      const std::string module = tensor.name.substr(0, tensor.name.rfind('.'));
      if (with_input_scales) add({module + ".input_scale", Dtype::kF32, {1}});
      if (with_scales)
        add({tensor.name + "_scale_inv",
             Dtype::kF32,
             {(tensor.shape[0] + 3) / 4, (tensor.shape[1] + 1) / 2}});
    }
    add(tensor);
  }
  nlohmann::json config = small_config("mixtral");
  config["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", {4, 2}}};
  std::filesystem::create_directories(folder);
  write_file(folder / "config.json", dump_json(config));
  write_safetensors(folder / "model.safetensors", std::move(sources));
}

/// Weights times scales, in float32.
std::vector<float> scaled(const Checkpoint& checkpoint, const std::string& name) {
  const formats::Weight weight = checkpoint.weight(name);
  std::vector<float> values(static_cast<std::size_t>(weight.elements()));
  weight.decode_rows(0, weight.rows, values.data());
  return values;
}

TEST(MergeOfFp8, IsTheSumWithinHalfAStepOfEachBlock) {
  const SurgeryFolder folder;
  store_fp8(folder.model());
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[1].merge = {{0, {0, 6, 7}, {0.5, 0.25, -0.5}}};
  folder.apply(plan);
  folder.verify();
  const Checkpoint before = Checkpoint::open(folder.model()), after = Checkpoint::open(folder.out());
  for (const std::string projection : {"w1", "w2", "w3"}) {
    const std::string weight = "." + projection + ".weight";
    EXPECT_EQ(after.tensor(kExpert + "0" + weight).dtype, Dtype::kF8E4M3);
    const auto a = scaled(before, kExpert + "0" + weight), b = scaled(before, kExpert + "6" + weight),
               c = scaled(before, kExpert + "7" + weight), sum = scaled(after, kExpert + "0" + weight);
    const std::vector<std::int64_t> shape{after.tensor(kExpert + "0" + weight).shape.begin(),
                                          after.tensor(kExpert + "0" + weight).shape.end()};
    std::map<std::pair<std::int64_t, std::int64_t>, float> largest;
    const auto block = [&](std::size_t i) {
      const auto at = static_cast<std::int64_t>(i);
      return std::pair(at / shape[1] / 4, at % shape[1] / 2);
    };
    for (std::size_t i = 0; i < sum.size(); ++i)
      largest[block(i)] = std::max(largest[block(i)], std::fabs(0.5F * a[i] + 0.25F * b[i] - 0.5F * c[i]));
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const float expected = 0.5F * a[i] + 0.25F * b[i] - 0.5F * c[i];
      // Three bits of fraction: half a step is 1/16 of the number; below the normal ones, 2^-10 of 448ths.
      EXPECT_NEAR(sum[i], expected, std::fabs(expected) / 16 + largest[block(i)] / 448 * 0x1p-10F + 1e-12F)
          << projection << " " << i;
    }
  }
  EXPECT_EQ(stored(after, kExpert + "1.w1.weight_scale_inv"),
            stored(before, kExpert + "1.w1.weight_scale_inv"));
}

TEST(MergeOfFp8, TakesNeuronsInTheOrderOfThePlan) {
  const SurgeryFolder folder;
  store_fp8(folder.model());
  const std::vector<int> order{5, 0, 3, 1, 4, 2};
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[1].merge = {{0, {6, 0}, {1.0, 0.0}, {order, {}}}};
  folder.apply(plan);
  folder.verify();
  const Checkpoint before = Checkpoint::open(folder.model()), after = Checkpoint::open(folder.out());
  for (const std::string weight : {".w1.weight", ".w2.weight", ".w3.weight"}) {
    const auto from = scaled(before, kExpert + "6" + weight), to = scaled(after, kExpert + "0" + weight);
    const auto columns = static_cast<std::size_t>(after.tensor(kExpert + "0" + weight).shape[1]);
    const float largest = *std::max_element(from.begin(), from.end(),
                                            [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    for (std::size_t i = 0; i < to.size(); ++i) {
      const std::size_t row = i / columns, column = i % columns;
      const float expected = weight == ".w2.weight"
                                 ? from[row * columns + static_cast<std::size_t>(order[column])]
                                 : from[static_cast<std::size_t>(order[row]) * columns + column];
      EXPECT_NEAR(to[i], expected, std::fabs(expected) / 16 + std::fabs(largest) / 448 * 0x1p-10F) << weight;
    }
  }
}

TEST(MergeOfFp8, OfScaledActivationsIsRefused) {
  const SurgeryFolder folder;
  store_fp8(folder.model(), true, true);
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}}};
  expect_user_error([&] { folder.apply(plan); }, {"layer 1", "w1.input_scale scales activations"});
}

TEST(MergeOfFp8, WithoutScalesIsRefused) {
  const SurgeryFolder folder;
  store_fp8(folder.model(), false);
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}}};
  expect_user_error([&] { folder.apply(plan); }, {"F8_E4M3", "no scales"});
}

TEST(MergeOfExpertsStoredDifferently, IsRefused) {
  const SurgeryFolder folder;
  std::vector<SmallTensor> tensors = small_tensors("mixtral");
  for (SmallTensor& tensor : tensors)
    if (tensor.name.starts_with(kExpert + "6.")) tensor.dtype = Dtype::kF32;
  store(folder.model(), small_config("mixtral"), tensors);
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}}};
  expect_user_error([&] { folder.apply(plan); },
                    {"layer 1: expert 6 is merged into expert 0", "not stored alike"});
}

TEST(MergeOfPackedExperts, IsStoredAsTheyAre) {
  const SurgeryFolder folder;
  store_small(folder.model(), "gpt_oss", SmallStorage::kPublished);
  Plan plan = plan_keeping({0, 1, 2}, {0, 1, 2, 3});
  plan.layers[1].merge = {{0, {0, 6}, {0.5, 0.5}}};
  folder.apply(plan);
  const Checkpoint before = Checkpoint::open(folder.model()), after = Checkpoint::open(folder.out());
  const std::string name = "model.layers.1.mlp.experts.down_proj_blocks";
  EXPECT_EQ(after.tensor(name).dtype, Dtype::kU8);
  const auto old = before.tensor(name).bytes, made = after.tensor(name).bytes;
  const std::size_t expert = old.size() / 8;
  EXPECT_FALSE(std::equal(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(expert), old.begin()));
  EXPECT_TRUE(std::equal(made.begin() + static_cast<std::ptrdiff_t>(expert), made.end(),
                         old.begin() + static_cast<std::ptrdiff_t>(expert)));  // 1, 2, 3 as they were
  folder.verify();
}

}  // namespace
}  // namespace espalier
