// Bad tokenizers: one clear error each, never a crash.
#include <gtest/gtest.h>

#include <functional>

#include "small_tokenizers.h"
#include "text/sentencepiece_tokenizer.h"
#include "text/tokenizer_json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using nlohmann::json;

struct Case {
  const char* what;
  std::function<void(json&)> damage;
  std::vector<std::string> expected;
};

const std::vector<Case>& json_cases() {
  static const std::vector<Case> cases = {
      {"no object", [](json& t) { t = json::array(); }, {"tokenizer.json"}},
      {"no model", [](json& t) { t.erase("model"); }, {"model"}},
      {"model of another type", [](json& t) { t["model"]["type"] = "Unigram"; }, {"Unigram", "BPE"}},
      {"no vocabulary", [](json& t) { t["model"].erase("vocab"); }, {"vocab"}},
      {"empty vocabulary", [](json& t) { t["model"]["vocab"] = json::object(); }, {"vocab"}},
      {"vocabulary as a list", [](json& t) { t["model"]["vocab"] = {"a"}; }, {"vocab"}},
      {"negative id", [](json& t) { t["model"]["vocab"]["a"] = -1; }, {"\"a\"", "-1"}},
      {"id near 2^64",
       [](json& t) { t["model"]["vocab"]["a"] = 0xFFFFFFFFFFFFFFFFu; },
       {"18446744073709551615"}},
      {"id that is no number", [](json& t) { t["model"]["vocab"]["a"] = "x"; }, {"\"a\""}},
      {"no merges", [](json& t) { t["model"].erase("merges"); }, {"merges"}},
      {"merge of one piece", [](json& t) { t["model"]["merges"][1] = "ab"; }, {"merges[1]", "two pieces"}},
      {"merge of three", [](json& t) { t["model"]["merges"][1] = "a b c"; }, {"merges[1]"}},
      {"merge of numbers",
       [](json& t) {
         t["model"]["merges"][0] = {1, 2};
       },
       {"merges[0]"}},
      {"merge of unknown pieces", [](json& t) { t["model"]["merges"][2] = "a zz"; }, {"merges[2]", "zz"}},
      {"merge to nothing", [](json& t) { t["model"]["merges"][2] = "b a"; }, {"merges[2]", "\"ba\""}},
      {"dropout", [](json& t) { t["model"]["dropout"] = 0.1; }, {"dropout"}},
      {"subword prefix",
       [](json& t) { t["model"]["continuing_subword_prefix"] = "##"; },
       {"continuing_subword_prefix"}},
      {"unknown normalizer",
       [](json& t) { t["normalizer"]["type"] = "Precompiled"; },
       {"normalizer", "Precompiled"}},
      {"unknown splitter",
       [](json& t) { t["pre_tokenizer"]["type"] = "UnicodeScripts"; },
       {"UnicodeScripts"}},
      {"unknown decoder", [](json& t) { t["decoder"]["type"] = "CTC"; }, {"decoder", "CTC"}},
      {"unknown post-processor", [](json& t) { t["post_processor"]["type"] = "X"; }, {"post_processor"}},
      {"a text for a component", [](json& t) { t["normalizer"] = "NFC"; }, {"normalizer"}},
      {"split without pattern",
       [](json& t) {
         t["pre_tokenizer"] = {{"type", "Split"}};
       },
       {"pattern"}},
      {"split of an unknown kind",
       [](json& t) {
         t["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"String", "a"}}}, {"behavior", "Cut"}};
       },
       {"Cut", "Isolated"}},
      {"broken expression",
       [](json& t) {
         t["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "(a"}}}, {"behavior", "Removed"}};
       },
       {"pre_tokenizer", "(a"}},
      {"added token without text",
       [](json& t) { t["added_tokens"][0].erase("content"); },
       {"added_tokens[0]"}},
      {"added token far away", [](json& t) { t["added_tokens"][1]["id"] = 1ll << 40; }, {"added_tokens[1]"}},
      {"added tokens as an object", [](json& t) { t["added_tokens"] = json::object(); }, {"added_tokens"}},
      {"template without text",
       [](json& t) {
         t["post_processor"] = {
             {"type", "TemplateProcessing"}, {"single", json::array()}, {"special_tokens", json::object()}};
       },
       {"single"}}};
  return cases;
}

TEST(CorruptTokenizer, Json) {
  for (const auto& [what, damage, expected] : json_cases()) {
    SCOPED_TRACE(what);
    json tokenizer = fixtures::byte_level_json();
    damage(tokenizer);
    fixtures::expect_user_error([&] { make_json_tokenizer(tokenizer.dump(), "tokenizer.json", {}); },
                                expected);
  }
  fixtures::expect_user_error([] { make_json_tokenizer("{", "tokenizer.json", {}); }, {"tokenizer.json:1"});
}

TEST(CorruptTokenizer, EveryCutOfASentencePieceModel) {
  const std::string model = fixtures::sentencepiece_model();
  int errors = 0;
  for (std::size_t bytes = 0; bytes < model.size(); bytes += 7) {
    try {
      make_sentencepiece_tokenizer(model.substr(0, bytes), "tokenizer.model", {});
    } catch (const UserError& error) {
      EXPECT_EQ(std::string(error.what()).find("tokenizer.model"), 0u) << error.what();
      ++errors;
    }
  }
  EXPECT_GT(errors, 100);
}

TEST(CorruptTokenizer, SentencePiece) {
  using fixtures::ProtoWriter;
  using fixtures::sentence_piece;
  const std::string trainer = ProtoWriter().integer(3, 2).bytes();
  const auto model = [&](const std::string& piece, const std::string& trained) {
    ProtoWriter writer;
    for (const char* text : {"<unk>", "<s>", "</s>"}) writer.content(1, sentence_piece(text, 0, 3));
    return writer.content(1, piece).content(2, trained).bytes();
  };
  const std::string a = sentence_piece("a", 0);
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {"", {"no pieces"}},
      {"{\"model\": {}}", {"byte"}},
      {fixtures::sentencepiece_model(true, 1), {"not BPE"}},
      {model(sentence_piece("", 0), trainer), {"without text"}},
      {model(sentence_piece("a", 0, 9), trainer), {"piece type 9"}},
      {model(sentence_piece("a", 0, 5), trainer), {"unused pieces"}},
      {model(sentence_piece("a", std::numeric_limits<float>::quiet_NaN()), trainer), {"no number"}},
      {model(a, ProtoWriter().integer(3, 7).bytes()), {"model type 7"}},
      {model(a, ProtoWriter().integer(3, 2).integer(35, 1).bytes()), {"<0x00>"}},
      {model(a, ProtoWriter().integer(3, 2).integer(42, 400).bytes()), {"special token 400"}},
      {model(a, trainer) +
           ProtoWriter().content(3, ProtoWriter().content(1, "nmt").content(2, "x").bytes()).bytes(),
       {"normalizer \"nmt\""}}};
  for (const auto& [bytes, expected] : cases) {
    SCOPED_TRACE(expected.front());
    fixtures::expect_user_error([&] { make_sentencepiece_tokenizer(bytes, "tokenizer.model", {}); },
                                expected);
  }
}

}  // namespace
}  // namespace espalier
