// config.json of encoders: what each field comes to, and back.

#include <gtest/gtest.h>

#include "arch/family.h"
#include "base/json.h"
#include "paths.h"
#include "unit/base/user_error.h"

namespace espalier::arch {
namespace {

using fixtures::expect_user_error;
using nlohmann::json;

json golden_config(const std::string& folder) {
  return read_json(std::filesystem::path(source_dir()) / "tests/golden" / folder / "config.json");
}

json moe_config() {
  json config = golden_config("bert");
  config["model_type"] = "espalier_bert_moe";
  config["moe_layers"] = {2, 0};
  config["num_experts"] = 8;
  return config;
}

using Counts = std::vector<std::int64_t>;

Counts experts(const ModelSpec& spec) {
  Counts counts;
  for (const BlockSpec& block : spec.blocks) counts.push_back(block.experts());
  return counts;
}

/// What reading and writing make of a config.
json rewritten(const json& fields) {
  return write_spec(read_spec(fields, "config.json"), fields);
}

TEST(EncoderSpec, ReadsHuggingFacesFile) {
  const ModelSpec spec = read_spec(golden_config("bert-classifier"), "config.json");
  EXPECT_EQ(spec.family, "bert");
  EXPECT_EQ(spec.text().vocabulary, 320);
  EXPECT_EQ(spec.width, 64);
  EXPECT_EQ(spec.layers(), 3);
  EXPECT_EQ(std::get<GroupedAttention>(spec.block(0).mixer).key_width, 16);
  EXPECT_EQ(std::get<FeedForward>(spec.block(0).feed_forward).width, 160);
  EXPECT_EQ(spec.positions(), 64);
  EXPECT_EQ(spec.block(0).norm.epsilon, 1e-12);
  EXPECT_EQ(spec.training.classifier_dropout, std::nullopt);
  EXPECT_EQ(spec.training.dropout_before_classifier(), 0.1);
  EXPECT_EQ(spec.heads.labels, (std::vector<std::string>{"LABEL_0", "LABEL_1", "LABEL_2"}));
  EXPECT_EQ(spec.heads.problem_type, ProblemType::kSingleLabel);
  EXPECT_EQ(experts(spec), (Counts{0, 0, 0}));
}

TEST(EncoderSpec, MissingFieldsTakeHuggingFacesDefaults) {
  const ModelSpec spec = read_spec({{"model_type", "bert"},
                                    {"vocab_size", 100},
                                    {"hidden_size", 12},
                                    {"num_hidden_layers", 1},
                                    {"num_attention_heads", 3},
                                    {"intermediate_size", 20}},
                                   "config.json");
  EXPECT_EQ(spec.positions(), 512);
  EXPECT_EQ(spec.text().token_types, 2);
  EXPECT_EQ(spec.block(0).norm.epsilon, 1e-12);
  EXPECT_EQ(spec.training.hidden_dropout, 0.1);
  EXPECT_EQ(spec.heads.label_count(), 2);
}

TEST(EncoderSpec, WritesBackWhatItRead) {
  for (const char* folder : {"bert", "bert-classifier"}) {
    const json fields = golden_config(folder);
    EXPECT_EQ(rewritten(fields), fields) << folder;
  }
}

TEST(EncoderSpec, CarriesUnknownFieldsOver) {
  json fields = golden_config("bert");
  fields["some_field"] = {{"of", {"another", "program"}}};
  const json written = rewritten(fields);
  EXPECT_EQ(written.at("some_field"), fields.at("some_field"));
  EXPECT_EQ(written.at("transformers_version"), "4.51.0");
}

TEST(EncoderSpec, ReadsMoeFields) {
  json fields = moe_config();
  fields["num_experts_per_tok"] = 2;
  fields["router_jitter"] = 0.1;
  fields["capacity_factor"] = 1.25;
  fields["router_aux_loss_coef"] = 0.0;
  const ModelSpec spec = read_spec(fields, "config.json");
  EXPECT_EQ(experts(spec), (Counts{8, 0, 8}));
  const Router& router = first_moe(spec)->router;
  EXPECT_EQ(router.rule.experts_per_token, 2);
  EXPECT_EQ(router.jitter, 0.1);
  EXPECT_EQ(router.capacity_factor, 1.25);
  EXPECT_EQ(router.balance_coef, 0.0);
  const json written = write_spec(spec, fields);
  EXPECT_EQ(written.at("num_experts"), 8);
  EXPECT_EQ(written.at("moe_layers"), (json{0, 2}));
  EXPECT_EQ(written.at("moe_placement"), "replace");
  EXPECT_EQ(rewritten(written), written);
}

TEST(EncoderSpec, MoeDefaults) {
  const ModelSpec spec = read_spec(moe_config(), "config.json");
  const Router& router = first_moe(spec)->router;
  EXPECT_EQ(router.rule.experts_per_token, 1);
  EXPECT_EQ(router.jitter, 0.0);
  EXPECT_EQ(router.capacity_factor, std::nullopt);
  EXPECT_EQ(router.balance_coef, 0.01);
}

TEST(EncoderSpec, ExpertsPerLayerAreAListOfAllBlocks) {
  json fields = moe_config();
  fields["num_experts"] = {3, nullptr, 5};
  EXPECT_EQ(experts(read_spec(fields, "config.json")), (Counts{3, 0, 5}));
  EXPECT_EQ(rewritten(fields).at("num_experts"), fields.at("num_experts"));
}

TEST(EncoderSpec, AMoeModelMayHaveNoMoeBlocks) {
  json fields = moe_config();
  fields["moe_layers"] = json::array();
  fields.erase("num_experts");
  EXPECT_TRUE(moe_layers(read_spec(fields, "config.json")).empty());
  EXPECT_EQ(rewritten(rewritten(fields)), rewritten(fields));
}

TEST(EncoderSpec, NewLabelsReplaceTheOldOnes) {
  const json fields = golden_config("bert-classifier");
  ModelSpec spec = read_spec(fields, "config.json");
  spec.heads.labels = {"no", "yes"};
  spec.heads.problem_type = ProblemType::kRegression;
  const json written = write_spec(spec, fields);
  EXPECT_EQ(written.at("id2label"), (json{{"0", "no"}, {"1", "yes"}}));
  EXPECT_EQ(written.at("label2id"), (json{{"no", 0}, {"yes", 1}}));
  EXPECT_EQ(written.at("problem_type"), "regression");
}

TEST(EncoderSpec, NumbersThatAreNotFiniteFailInMemoryToo) {
  const json fields = moe_config();
  ModelSpec spec = read_spec(fields, "config.json");
  spec.training.hidden_dropout = std::numeric_limits<double>::quiet_NaN();
  expect_user_error([&] { read_spec(write_spec(spec, fields), "c"); },
                    {"c: hidden_dropout_prob: found null"});
}

TEST(EncoderSpec, VocabularyThatDoesNotFit) {
  const TextInput text = read_spec(golden_config("bert"), "config.json").text();
  check_vocabulary_size(text, 320, "vocab.txt");
  check_vocabulary_size(text, 300, "vocab.txt");
  expect_user_error([&] { check_vocabulary_size(text, 321, "m/vocab.txt"); },
                    {"m/vocab.txt: 321 pieces, but the embeddings have 320 rows (vocab_size)"});
}

}  // namespace
}  // namespace espalier::arch
