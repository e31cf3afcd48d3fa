// The tensors of encoders against their config.json: what fits, and what is said of what does not.
#include <gtest/gtest.h>

#include <map>

#include "arch/described_model.h"
#include "paths.h"
#include "temporary_folder.h"
#include "unit/arch/stored_model.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using arch::BoundTensors;
using arch::Group;
using fixtures::expect_user_error;
using fixtures::store_model;
using fixtures::tiny_moe_config;
using Tensors = std::vector<TensorSource>;

Checkpoint golden(const std::string& folder) {
  return Checkpoint::open(std::filesystem::path(source_dir()) / "tests/golden" / folder);
}

TensorSource& tensor_named(Tensors& tensors, std::string_view name) {
  for (TensorSource& tensor : tensors) {
    if (tensor.name == name) return tensor;
  }
  throw InternalError("the test names no tensor");
}

void drop(Tensors& tensors, std::string_view part_of_name) {
  std::erase_if(tensors, [&](const TensorSource& tensor) {
    return tensor.name.find(part_of_name) != std::string::npos;
  });
}

TEST(EncoderTensors, GoldensFitWithAndWithoutThePrefix) {
  const Checkpoint plain = golden("bert"), classifier = golden("bert-classifier");
  const BoundTensors bare = arch::describe(plain).tensors;
  EXPECT_TRUE(bare.has(Group::kPooler));
  EXPECT_FALSE(bare.has(Group::kClassifier));
  EXPECT_FALSE(bare.has(Group::kMaskedWords));
  EXPECT_TRUE(bare.unused().empty());
  EXPECT_EQ(bare.at({arch::Role::kPooler, arch::Part::kBias}).weight, "pooler.dense.bias");
  const BoundTensors prefixed = arch::describe(classifier).tensors;
  EXPECT_TRUE(prefixed.has(Group::kPooler));
  EXPECT_TRUE(prefixed.has(Group::kClassifier));
  EXPECT_TRUE(prefixed.unused().empty());
}

TEST(EncoderTensors, ListsMoeLayersInTheFfnsPlace) {
  const arch::ModelSpec spec = arch::read_spec(tiny_moe_config(), "config.json");
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const arch::ExpectedTensor& tensor : arch::expected_tensors(spec))
    shapes[fixtures::published_name(spec, tensor.key)] = tensor.shape;
  using Shape = std::vector<std::int64_t>;
  EXPECT_EQ(shapes.at("bert.encoder.layer.0.moe.router.weight"), (Shape{4, 4}));
  EXPECT_EQ(shapes.at("bert.encoder.layer.2.moe.experts.3.intermediate.dense.weight"), (Shape{6, 4}));
  EXPECT_EQ(shapes.at("bert.encoder.layer.2.moe.experts.3.intermediate.dense.bias"), (Shape{6}));
  EXPECT_EQ(shapes.at("bert.encoder.layer.2.moe.experts.3.output.dense.weight"), (Shape{4, 6}));
  EXPECT_EQ(shapes.at("bert.encoder.layer.2.moe.experts.3.output.dense.bias"), (Shape{4}));
  EXPECT_FALSE(shapes.contains("bert.encoder.layer.0.intermediate.dense.weight"));
  EXPECT_TRUE(shapes.contains("bert.encoder.layer.0.output.LayerNorm.weight"));
  EXPECT_EQ(shapes.at("bert.encoder.layer.1.intermediate.dense.weight"), (Shape{6, 4}));
  EXPECT_EQ(shapes.at("cls.predictions.bias"), (Shape{11}));
  EXPECT_EQ(shapes.at("classifier.weight"), (Shape{2, 4}));
  // embeddings 5, a block 12 + 4 (dense) or 12 + 1 + 4 * 4 (MoE), pooler 2, heads 5 + 2
  EXPECT_EQ(shapes.size(), 5U + 16 + 2 * 29 + 2 + 5 + 2);
}

TEST(EncoderTensors, AcceptsTheOldNamesOfLayerNorm) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint =
      store_model(folder.path(), tiny_moe_config(), Dtype::kF32, [](Tensors& tensors) {
        for (TensorSource& tensor : tensors) {
          const std::size_t at = tensor.name.find("LayerNorm.");
          if (at != std::string::npos) {
            tensor.name = tensor.name.substr(0, at) +
                          (tensor.name.ends_with("bias") ? "LayerNorm.beta" : "LayerNorm.gamma");
          }
        }
      });
  const BoundTensors tensors = arch::describe(checkpoint).tensors;
  EXPECT_TRUE(tensors.unused().empty());
  EXPECT_EQ(tensors.at({arch::Role::kEmbeddingNorm, arch::Part::kBias}).weight,
            "bert.embeddings.LayerNorm.beta");
}

TEST(EncoderTensors, NamesTensorsThatNothingReads) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint =
      store_model(folder.path(), tiny_moe_config(), Dtype::kF32, [](Tensors& tensors) {
        drop(tensors, "classifier");
        tensors.push_back({"cls.seq_relationship.bias", Dtype::kF32, {0}, [](auto) {}});
      });
  const BoundTensors tensors = arch::describe(checkpoint).tensors;
  EXPECT_TRUE(tensors.has(Group::kMaskedWords));
  EXPECT_FALSE(tensors.has(Group::kClassifier));
  EXPECT_EQ(tensors.unused(), (std::vector<std::string>{"cls.seq_relationship.bias"}));
}

struct Misfit {
  const char* title;
  fixtures::Change change;
  std::vector<std::string> fragments;
};

TEST(EncoderTensors, MisfitsNameTheTensorAndTheField) {
  const std::vector<Misfit> cases{
      {"missing",
       [](Tensors& t) { drop(t, "layer.1.attention.self.key.bias"); },
       {"tensor bert.encoder.layer.1.attention.self.key.bias is missing"}},
      {"two missing",
       [](Tensors& t) { drop(t, "self.key.bias"); },
       {"is missing (and 2 more that do not fit)"}},
      {"vocabulary",
       [](Tensors& t) {
         tensor_named(t, "bert.embeddings.word_embeddings.weight").shape = {12, 4};
       },
       {"word_embeddings.weight is [12, 4], config.json asks for [11, 4] (vocab_size 11)"}},
      {"rank",
       [](Tensors& t) { tensor_named(t, "bert.pooler.dense.weight").shape = {16}; },
       {"pooler.dense.weight is [16], config.json asks for [4, 4]"}},
      {"experts",
       [](Tensors& t) {
         tensor_named(t, "bert.encoder.layer.0.moe.router.weight").shape = {5, 4};
       },
       {"router.weight is [5, 4]", "expected 4 experts on its first axis (num_experts)"}},
      {"labels",
       [](Tensors& t) { tensor_named(t, "classifier.bias").shape = {3}; },
       {"(the number of labels (id2label) 2)"}},
      {"half a head",
       [](Tensors& t) { drop(t, "cls.predictions.bias"); },
       {"cls.predictions.bias is missing"}},
      {"integers",
       [](Tensors& t) { tensor_named(t, "bert.pooler.dense.bias").dtype = Dtype::kI32; },
       {"pooler.dense.bias is I32, expected floating point"}},
      {"a block too many",
       [](Tensors& t) {
         t.push_back({"bert.encoder.layer.3.output.dense.bias", Dtype::kF32, {0}, [](auto) {}});
       },
       {"is of block 3, config.json has 3 blocks"}},
      {"an expert too many",
       [](Tensors& t) {
         t.push_back({"bert.encoder.layer.0.moe.experts.4.output.dense.bias", Dtype::kF32, {0}, [](auto) {}});
       },
       {"is of expert 4, config.json gives block 0 4 experts (num_experts)"}},
      {"a dense block with experts",
       [](Tensors& t) {
         t.push_back({"bert.encoder.layer.1.moe.router.weight", Dtype::kF32, {0}, [](auto) {}});
       },
       {"router.weight is of a MoE layer, in config.json block 1 is dense"}},
  };
  for (const Misfit& misfit : cases) {
    SCOPED_TRACE(misfit.title);
    const TemporaryFolder folder;
    const Checkpoint checkpoint = store_model(folder.path(), tiny_moe_config(), Dtype::kF32, misfit.change);
    expect_user_error([&] { arch::describe(checkpoint); }, misfit.fragments);
  }
}

}  // namespace
}  // namespace espalier
