#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "cli/small_finetuning.h"

namespace espalier {
namespace {

using testing::HasSubstr;

TEST(Export, WritesAnOrdinaryBertWithItsTokenizer) {
  const SmallFinetuning small;
  ASSERT_EQ(run_program(small.command("run", {"--prune", "eager"})).exit_code, 0);
  const auto run =
      run_program({"export", small.path("run/model"), "--to", "bert", "--out", small.path("bert")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("BertForSequenceClassification"));
  const auto exported = Checkpoint::open(small.path("bert"));
  EXPECT_EQ(exported.config()["model_type"], "bert");
  EXPECT_EQ(exported.config()["architectures"][0], "BertForSequenceClassification");
  EXPECT_EQ(exported.config()["id2label"]["1"], "yes");
  EXPECT_EQ(exported.config()["label2id"]["no"], 0);
  for (const char* file : {"vocab.txt", "tokenizer_config.json"})
    EXPECT_TRUE(std::filesystem::exists(small.path(std::string("bert/") + file))) << file;
  const auto tokenizer = nlohmann::json::parse(file_content(small.path("bert/tokenizer_config.json")));
  EXPECT_EQ(tokenizer["model_max_length"], exported.config()["max_position_embeddings"]);
  const auto lines = small.folder.write("lines.txt", "w1 w2 w3\nw5 w6\nw1\n");
  const auto before = run_program({"predict", small.path("run/model"), lines});
  const auto after = run_program({"predict", small.path("bert"), lines});
  ASSERT_EQ(after.exit_code, 0) << after.err;
  EXPECT_EQ(after.out, before.out);
}

TEST(Export, WritesAGraphOfThePrunedModel) {
  const SmallFinetuning small;
  ASSERT_EQ(run_program(small.command("run", {"--prune", "eager"})).exit_code, 0);
  const auto run =
      run_program({"export", small.path("run/model"), "--to", "onnx", "--out", small.path("onnx")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("logits"));
  const auto graph = file_content(small.path("onnx/model.onnx"));
  for (const char* part : {"espalier", "input_ids", "attention_mask", "token_type_ids", "LayerNormalization",
                           "classifier.weight", "[\"no\",\"yes\"]"})
    EXPECT_NE(graph.find(part), std::string::npos) << part;
  EXPECT_TRUE(std::filesystem::exists(small.path("onnx/vocab.txt")));
  const auto whole =
      run_program({"export", small.path("pretrained/model"), "--to", "onnx", "--out", small.path("no")});
  EXPECT_EQ(whole.exit_code, 2);
  EXPECT_THAT(whole.err, HasSubstr("layer 0 has 4 experts, layer 1 has 4 experts"));
  EXPECT_FALSE(std::filesystem::exists(small.path("no")));
}

TEST(Export, SaysWhyAModelWithRoutersCannotBeOne) {
  const SmallFinetuning small;
  const auto run = run_program({"export", small.path("pretrained/model"), "--out", small.path("bert")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("layer 0 has 4 experts, layer 1 has 4 experts"));
  EXPECT_THAT(run.err, HasSubstr("--prune eager"));
  EXPECT_FALSE(std::filesystem::exists(small.path("bert")));
}

}  // namespace
}  // namespace espalier
