#include "arch/bert_tensors.h"

#include <gtest/gtest.h>

#include "paths.h"
#include "temporary_folder.h"
#include "unit/arch/stored_model.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using fixtures::store_model;
using fixtures::tiny_moe_config;
using Tensors = std::vector<TensorSource>;

Checkpoint golden(const std::string& folder) {
  return Checkpoint::open(std::filesystem::path(source_dir()) / "tests/golden" / folder);
}

BertParts check(const Checkpoint& checkpoint) {
  return check_tensors(checkpoint, parse_bert_config(checkpoint.config(), "config.json"));
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

TEST(BertTensors, GoldensFitWithAndWithoutThePrefix) {
  const BertParts bare = check(golden("bert"));
  EXPECT_TRUE(bare.pooler);
  EXPECT_FALSE(bare.classifier);
  EXPECT_FALSE(bare.masked_language_head);
  EXPECT_TRUE(bare.unused.empty());
  const BertParts prefixed = check(golden("bert-classifier"));
  EXPECT_TRUE(prefixed.pooler);
  EXPECT_TRUE(prefixed.classifier);
  EXPECT_TRUE(prefixed.unused.empty());
  EXPECT_EQ(bert_tensor(golden("bert"), "bert.pooler.dense.bias").name.substr(0, 6), "pooler");
}

TEST(BertTensors, ListsMoeLayersInTheFfnsPlace) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const ExpectedTensor& tensor : expected_tensors(tiny_moe_config())) shapes[tensor.name] = tensor.shape;
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

TEST(BertTensors, AcceptsTheOldNamesOfLayerNorm) {
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
  EXPECT_TRUE(check(checkpoint).unused.empty());
  EXPECT_EQ(bert_tensor(checkpoint, "bert.embeddings.LayerNorm.bias").name, "bert.embeddings.LayerNorm.beta");
}

TEST(BertTensors, NamesTensorsThatNothingReads) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint =
      store_model(folder.path(), tiny_moe_config(), Dtype::kF32, [](Tensors& tensors) {
        drop(tensors, "classifier");
        tensors.push_back({"cls.seq_relationship.bias", Dtype::kF32, {0}, [](auto) {}});
      });
  const BertParts parts = check(checkpoint);
  EXPECT_TRUE(parts.masked_language_head);
  EXPECT_FALSE(parts.classifier);
  EXPECT_EQ(parts.unused, (std::vector<std::string>{"cls.seq_relationship.bias"}));
}

struct Misfit {
  const char* title;
  fixtures::Change change;
  std::vector<std::string> fragments;
};

TEST(BertTensors, MisfitsNameTheTensorAndTheField) {
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
       {"router.weight is [5, 4]", "(num_experts 4)"}},
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
       {"is of expert 4, config.json gives block 0 4 experts"}},
      {"a dense block with experts",
       [](Tensors& t) {
         t.push_back({"bert.encoder.layer.1.moe.router.weight", Dtype::kF32, {0}, [](auto) {}});
       },
       {"in config.json block 1 is dense (moe_layers)"}},
  };
  for (const Misfit& misfit : cases) {
    SCOPED_TRACE(misfit.title);
    const TemporaryFolder folder;
    const Checkpoint checkpoint = store_model(folder.path(), tiny_moe_config(), Dtype::kF32, misfit.change);
    expect_user_error([&] { check(checkpoint); }, misfit.fragments);
  }
}

}  // namespace
}  // namespace espalier
