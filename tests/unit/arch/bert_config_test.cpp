#include "arch/bert_config.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "paths.h"
#include "unit/base/user_error.h"

namespace espalier {
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

TEST(BertConfig, ReadsHuggingFacesFile) {
  const BertMoeConfig config = parse_bert_config(golden_config("bert-classifier"), "config.json");
  EXPECT_EQ(config.model_type, "bert");
  EXPECT_EQ(config.vocab_size, 320);
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.num_hidden_layers, 3);
  EXPECT_EQ(config.head_size(), 16);
  EXPECT_EQ(config.intermediate_size, 160);
  EXPECT_EQ(config.max_position_embeddings, 64);
  EXPECT_EQ(config.layer_norm_eps, 1e-12);
  EXPECT_EQ(config.classifier_dropout, std::nullopt);
  EXPECT_EQ(config.dropout_before_classifier(), 0.1);
  EXPECT_EQ(config.labels, (std::vector<std::string>{"LABEL_0", "LABEL_1", "LABEL_2"}));
  EXPECT_EQ(config.problem_type, ProblemType::kSingleLabel);
  EXPECT_FALSE(config.is_moe(0));
}

TEST(BertConfig, MissingFieldsTakeHuggingFacesDefaults) {
  const BertMoeConfig config = parse_bert_config({{"model_type", "bert"},
                                                  {"vocab_size", 100},
                                                  {"hidden_size", 12},
                                                  {"num_hidden_layers", 1},
                                                  {"num_attention_heads", 3},
                                                  {"intermediate_size", 20}},
                                                 "config.json");
  EXPECT_EQ(config.max_position_embeddings, 512);
  EXPECT_EQ(config.type_vocab_size, 2);
  EXPECT_EQ(config.layer_norm_eps, 1e-12);
  EXPECT_EQ(config.hidden_dropout_prob, 0.1);
  EXPECT_EQ(config.num_labels(), 2);
}

TEST(BertConfig, WritesBackWhatItRead) {
  for (const char* folder : {"bert", "bert-classifier"}) {
    const json fields = golden_config(folder);
    EXPECT_EQ(to_json(parse_bert_config(fields, "config.json")), fields) << folder;
  }
}

TEST(BertConfig, CarriesUnknownFieldsOver) {
  json fields = golden_config("bert");
  fields["some_field"] = {{"of", {"another", "program"}}};
  const json written = to_json(parse_bert_config(fields, "config.json"));
  EXPECT_EQ(written.at("some_field"), fields.at("some_field"));
  EXPECT_EQ(written.at("transformers_version"), "4.51.0");
}

TEST(BertConfig, ReadsMoeFields) {
  json fields = moe_config();
  fields["num_experts_per_tok"] = 2;
  fields["router_jitter"] = 0.1;
  fields["capacity_factor"] = 1.25;
  fields["router_aux_loss_coef"] = 0.0;
  const BertMoeConfig config = parse_bert_config(fields, "config.json");
  EXPECT_EQ(config.moe_layers, (std::vector<std::int64_t>{0, 2}));
  EXPECT_EQ(config.experts_in(0), 8);
  EXPECT_EQ(config.experts_in(1), 0);
  EXPECT_TRUE(config.is_moe(2));
  EXPECT_EQ(config.num_experts_per_tok, 2);
  EXPECT_EQ(config.router_jitter, 0.1);
  EXPECT_EQ(config.capacity_factor, 1.25);
  EXPECT_EQ(config.router_aux_loss_coef, 0.0);
  const json written = to_json(config);
  EXPECT_EQ(written.at("num_experts"), 8);
  EXPECT_EQ(written.at("moe_placement"), "replace");
  EXPECT_EQ(to_json(parse_bert_config(written, "again")), written);
}

TEST(BertConfig, MoeDefaults) {
  const BertMoeConfig config = parse_bert_config(moe_config(), "config.json");
  EXPECT_EQ(config.num_experts_per_tok, 1);
  EXPECT_EQ(config.router_jitter, 0.0);
  EXPECT_EQ(config.capacity_factor, std::nullopt);
  EXPECT_EQ(config.router_aux_loss_coef, 0.01);
}

TEST(BertConfig, ExpertsPerLayerAreAListOfAllBlocks) {
  json fields = moe_config();
  fields["num_experts"] = {3, nullptr, 5};
  const BertMoeConfig config = parse_bert_config(fields, "config.json");
  EXPECT_EQ(config.num_experts, (std::vector<std::int64_t>{3, 5}));
  EXPECT_EQ(to_json(config).at("num_experts"), fields.at("num_experts"));
}

TEST(BertConfig, AMoeModelMayHaveNoMoeBlocks) {
  json fields = moe_config();
  fields["moe_layers"] = json::array();
  fields.erase("num_experts");
  const BertMoeConfig config = parse_bert_config(fields, "config.json");
  EXPECT_TRUE(config.moe_layers.empty());
  EXPECT_EQ(to_json(parse_bert_config(to_json(config), "again")), to_json(config));
}

TEST(BertConfig, SetMoeMakesAMoeConfig) {
  BertMoeConfig config = parse_bert_config(golden_config("bert"), "config.json");
  config.set_moe({2, 1}, 4);
  validate(config, "options");
  const BertMoeConfig again = parse_bert_config(to_json(config), "config.json");
  EXPECT_EQ(again.model_type, "espalier_bert_moe");
  EXPECT_EQ(again.moe_layers, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(again.num_experts, (std::vector<std::int64_t>{4, 4}));
  config.set_moe({3}, 4);
  expect_user_error([&] { validate(config, "options"); }, {"options: moe_layers: there is no block 3"});
}

TEST(BertConfig, NewLabelsReplaceTheOldOnes) {
  BertMoeConfig config = parse_bert_config(golden_config("bert-classifier"), "config.json");
  config.labels = {"no", "yes"};
  config.problem_type = ProblemType::kRegression;
  const json written = to_json(config);
  EXPECT_EQ(written.at("id2label"), (json{{"0", "no"}, {"1", "yes"}}));
  EXPECT_EQ(written.at("label2id"), (json{{"no", 0}, {"yes", 1}}));
  EXPECT_EQ(written.at("problem_type"), "regression");
}

TEST(BertConfig, VocabularyThatDoesNotFit) {
  const BertMoeConfig config = parse_bert_config(golden_config("bert"), "config.json");
  check_vocabulary_size(config, 320, "vocab.txt");
  check_vocabulary_size(config, 300, "vocab.txt");
  expect_user_error([&] { check_vocabulary_size(config, 321, "m/vocab.txt"); },
                    {"m/vocab.txt: 321 pieces, but the embeddings have 320 rows (vocab_size)"});
}

}  // namespace
}  // namespace espalier
