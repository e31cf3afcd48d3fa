#include <gtest/gtest.h>
#include <torch/utils.h>

#include <unistd.h>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "train/checkpoint.h"
#include "train/parameters.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

class ModelCheckpoint : public testing::Test {
 protected:
  ModelCheckpoint()
      : folder_(fs::path(testing::TempDir()) / ("model_checkpoint_" + std::to_string(getpid()))) {}
  ~ModelCheckpoint() override { fs::remove_all(folder_); }
  Transformer saved_and_loaded(const Transformer& model, Dtype dtype) const {
    save(model, folder_, dtype);
    return load(Checkpoint::open(folder_));
  }
  const fs::path folder_;
};

Transformer full_model() {
  auto model = small_model(small_encoder_config({0, 2}, 3));
  reset_classifier(model, {"a", "b", "c"}, 4);
  return model;
}

TEST_F(ModelCheckpoint, Float32ComesBackExactly) {
  const auto model = full_model(), loaded = saved_and_loaded(model, Dtype::kF32);
  const auto expected = parameters_of(model), found = parameters_of(loaded);
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, parameter] : expected) EXPECT_TRUE(torch::equal(found.at(name), parameter)) << name;
  EXPECT_EQ(loaded.spec.blocks, model.spec.blocks);
  EXPECT_EQ(loaded.spec.heads.label_count(), 3);
  const auto batch = small_batch(61);
  EXPECT_TRUE(torch::equal(encode(loaded, batch, {}).hidden, encode(model, batch, {}).hidden));
}

TEST_F(ModelCheckpoint, Bfloat16RoundsToNearest) {
  const auto model = full_model(), loaded = saved_and_loaded(model, Dtype::kBF16);
  const auto found = parameters_of(loaded);
  for (const auto& [name, parameter] : parameters_of(model))
    EXPECT_TRUE(torch::equal(found.at(name), parameter.to(torch::kBFloat16).to(torch::kFloat32))) << name;
}

TEST_F(ModelCheckpoint, SavingTwiceGivesTheSameBytes) {
  save(full_model(), folder_ / "a", Dtype::kF32);
  save(full_model(), folder_ / "b", Dtype::kF32);
  for (const auto* file : {"model.safetensors", "config.json"})
    EXPECT_EQ(read_file(folder_ / "a" / file), read_file(folder_ / "b" / file)) << file;
}

TEST_F(ModelCheckpoint, HoldsTheDocumentedTensorsAndNoOthers) {
  const auto model = full_model();
  save(model, folder_, Dtype::kF32);
  const auto checkpoint = Checkpoint::open(folder_);
  std::set<std::string> expected;
  for (const auto& tensor : arch::expected_tensors(model.spec))
    expected.insert(stored_name(model.spec, tensor.key));
  const auto names = checkpoint.names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), expected);
  const auto expert = checkpoint.tensor("bert.encoder.layer.2.moe.experts.1.output.dense.weight");
  EXPECT_EQ(std::vector<std::int64_t>(expert.shape.begin(), expert.shape.end()),
            (std::vector<std::int64_t>{24, 37}));
  const auto& moe = std::get<MoeWeights>(model.blocks[2].feed_forward);
  std::vector<float> values(24 * 37);
  to_float32(expert.dtype, expert.bytes, values);
  EXPECT_TRUE(torch::equal(torch::tensor(values).view({24, 37}), moe.experts.down[1]));
  const auto key = checkpoint.tensor("bert.encoder.layer.0.attention.self.key.bias");
  std::vector<float> bias(24);
  to_float32(key.dtype, key.bytes, bias);
  EXPECT_TRUE(torch::equal(torch::tensor(bias),
                           std::get<GroupedWeights>(model.blocks[0].mixer).qkv.bias.narrow(0, 24, 24)));
}

/// The model of `folder`, each tensor under another name; "" leaves it out.
void store_renamed(const fs::path& folder, const std::function<std::string(std::string)>& rename) {
  const auto original = Checkpoint::open(folder);
  std::vector<TensorSource> tensors;
  for (const auto name : original.names()) {
    const auto view = original.tensor(name);
    auto renamed = rename(std::string(name));
    if (renamed.empty()) continue;
    tensors.push_back(
        {std::move(renamed),
         view.dtype,
         {view.shape.begin(), view.shape.end()},
         [view](std::span<std::byte> to) { std::copy(view.bytes.begin(), view.bytes.end(), to.begin()); }});
  }
  write_safetensors(folder / "renamed.safetensors", std::move(tensors));
  fs::rename(folder / "renamed.safetensors", folder / "model.safetensors");
}

TEST_F(ModelCheckpoint, ReadsNamesWithoutPrefixAndOldNormNames) {
  const auto model = full_model();
  save(model, folder_, Dtype::kF32);
  store_renamed(folder_, [](std::string name) {
    if (name.starts_with("bert.")) name = name.substr(5);
    if (name.ends_with("LayerNorm.weight")) name.replace(name.size() - 6, 6, "gamma");
    if (name.ends_with("LayerNorm.bias")) name.replace(name.size() - 4, 4, "beta");
    return name;
  });
  const auto found = parameters_of(load(Checkpoint::open(folder_)));
  for (const auto& [name, parameter] : parameters_of(model))
    EXPECT_TRUE(torch::equal(found.at(name), parameter)) << name;
}

TEST_F(ModelCheckpoint, HeadsAreThoseOfTheFile) {
  save(full_model(), folder_, Dtype::kF32);
  store_renamed(folder_, [](std::string name) {
    return name.starts_with("cls.") || name.starts_with("classifier") ||
                   name.find("pooler") != std::string::npos
               ? ""
               : name;
  });
  const auto loaded = load(Checkpoint::open(folder_));
  EXPECT_FALSE(loaded.masked_bias.defined() || loaded.classifier.weight.defined() ||
               loaded.pooler.weight.defined());
  EXPECT_LT(relative_difference(encode(loaded, small_batch(61), {}).hidden,
                                encode(full_model(), small_batch(61), {}).hidden),
            1e-6);
}

// What a config says and the file does not hold, and the other way round, is an error that names the tensor.
TEST_F(ModelCheckpoint, RefusesTensorsThatDoNotFitTheConfig) {
  const struct {
    const char* what;
    std::function<void(nlohmann::json&)> change;
    const char* named;
  } cases[] = {{"wider FFN", [](auto& c) { c["intermediate_size"] = 38; }, "intermediate.dense"},
               {"larger vocabulary", [](auto& c) { c["vocab_size"] = 62; }, "word_embeddings"},
               {"one block more", [](auto& c) { c["num_hidden_layers"] = 4; }, "encoder.layer.3"},
               {"one block less",
                [](auto& c) {
                  c["num_hidden_layers"] = 2;
                  set_moe(c, {0}, 3);
                },
                "encoder.layer.2"},
               {"an expert more",
                [](auto& c) {
                  set_moe(c, {0, 2}, 4);
                },
                "moe"},
               {"an expert less",
                [](auto& c) {
                  set_moe(c, {0, 2}, 2);
                },
                "moe"},
               {"another MoE layer",
                [](auto& c) {
                  set_moe(c, {0, 1, 2}, 3);
                },
                "encoder.layer.1.moe"}};
  for (const auto& [what, change, named] : cases) {
    auto model = full_model();
    save(model, folder_, Dtype::kF32);
    auto config = read_json(folder_ / "config.json");
    change(config);
    write_file(folder_ / "config.json", config.dump());
    try {
      load(Checkpoint::open(folder_));
      ADD_FAILURE() << what;
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << what << ": " << error.what();
    }
  }
}

}  // namespace
}  // namespace espalier
