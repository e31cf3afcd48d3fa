// Normalizers, pre-tokenizers, added tokens, post-processors and decoders of a tokenizer.json, one by one.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/added_tokens.h"
#include "text/pre_tokenizer.h"
#include "text/template_processor.h"
#include "text/text_normalizer.h"
#include "text/token_decoder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using nlohmann::json;
using Strings = std::vector<std::string>;

std::string normalized(const char* component, std::string text) {
  make_normalizer(json::parse(component), "test")(text);
  return text;
}

TEST(TextNormalizer, Components) {
  EXPECT_EQ(normalized("null", "e\u0301"), "e\u0301");
  EXPECT_EQ(normalized(R"({"type": "NFC"})", "e\u0301"), "\u00e9");
  EXPECT_EQ(normalized(R"({"type": "NFD"})", "\u00e9"), "e\u0301");
  EXPECT_EQ(normalized(R"({"type": "NFKC"})", "\ufb01\u00b2"), "fi2");
  EXPECT_EQ(normalized(R"({"type": "Lowercase"})", "\u00c9A\u03a3"), "\u00e9a\u03c3");
  EXPECT_EQ(normalized(R"({"type": "StripAccents"})", "e\u0301\u0903\u0488"), "e");
  EXPECT_EQ(normalized(R"({"type": "Strip"})", " \u3000a b\t"), "a b");
  EXPECT_EQ(normalized(R"({"type": "Strip", "strip_left": false})", " a "), " a");
  EXPECT_EQ(normalized(R"({"type": "Prepend", "prepend": "_"})", "a"), "_a");
  EXPECT_EQ(normalized(R"({"type": "Prepend", "prepend": "_"})", ""), "");
  EXPECT_EQ(normalized(R"({"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"})", "a  b"),
            "a\u2581\u2581"
            "b");
  EXPECT_EQ(normalized(R"({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "."})", "a   b c"),
            "a.b c");
  EXPECT_EQ(normalized(R"({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"},
                          {"type": "Lowercase"}]})",
                       "\u00c9"),
            "e");
}

Strings words(const char* component, std::string text, bool at_start = true) {
  SplitText split;
  split.words = {{0, text.size()}};
  split.text = std::move(text);
  split.at_start = at_start;
  make_pre_tokenizer(json::parse(component), "test").split(split);
  Strings all;
  for (std::size_t i = 0; i < split.words.size(); ++i) all.emplace_back(split.word(i));
  return all;
}

TEST(PreTokenizer, ByteLevelCutsAsGpt2) {
  const char* component = R"({"type": "ByteLevel", "add_prefix_space": false})";
  EXPECT_EQ(words(component, "I'm  here 12!?\n"), (Strings{"I", "'m", " ", " here", " 12", "!?", "\n"}));
  EXPECT_EQ(words(R"({"type": "ByteLevel"})", "a b"), (Strings{" a", " b"}));
  EXPECT_EQ(words(R"({"type": "ByteLevel", "use_regex": false})", " a b"), Strings{" a b"});
  EXPECT_TRUE(make_pre_tokenizer(json::parse(component), "").byte_level);
}

TEST(PreTokenizer, SplitBehaviours) {
  const auto split = [](const char* behaviour, bool invert = false) {
    const json component = {
        {"type", "Split"}, {"pattern", {{"String", "-"}}}, {"behavior", behaviour}, {"invert", invert}};
    return words(component.dump().c_str(), "a--b-c");
  };
  EXPECT_EQ(split("Removed"), (Strings{"a", "b", "c"}));
  EXPECT_EQ(split("Isolated"), (Strings{"a", "-", "-", "b", "-", "c"}));
  EXPECT_EQ(split("Contiguous"), (Strings{"a", "--", "b", "-", "c"}));
  EXPECT_EQ(split("MergedWithPrevious"), (Strings{"a-", "-", "b-", "c"}));
  EXPECT_EQ(split("MergedWithNext"), (Strings{"a", "-", "-b", "-c"}));
  EXPECT_EQ(split("Removed", true), (Strings{"-", "-", "-"}));
}

TEST(PreTokenizer, Metaspace) {
  const char* always = R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "always"})";
  EXPECT_EQ(words(always, "a  b"), (Strings{"_a", "_", "_b"}));
  EXPECT_EQ(words(always, " a"), Strings{"_a"});
  const char* first =
      R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": false})";
  EXPECT_EQ(words(first, "a b"), Strings{"_a_b"});
  EXPECT_EQ(words(first, "a b", false), Strings{"a_b"});
  EXPECT_EQ(words(R"({"type": "Metaspace", "replacement": "_", "add_prefix_space": false})", "a"),
            Strings{"a"});
}

TEST(PreTokenizer, OtherComponents) {
  EXPECT_EQ(words(R"({"type": "Digits", "individual_digits": true})", "a12\u0664"),
            (Strings{"a", "1", "2", "\u0664"}));
  EXPECT_EQ(words(R"({"type": "Digits", "individual_digits": false})", "a12b"), (Strings{"a", "12", "b"}));
  EXPECT_EQ(words(R"({"type": "Punctuation"})", "a,!\u3002"), (Strings{"a", ",", "!", "\u3002"}));
  EXPECT_EQ(words(R"({"type": "Whitespace"})", "it's ok_1 ++"), (Strings{"it", "'", "s", "ok_1", "++"}));
  EXPECT_EQ(words(R"({"type": "WhitespaceSplit"})", " it's\u3000ok "), (Strings{"it's", "ok"}));
  EXPECT_EQ(words(R"({"type": "BertPreTokenizer"})", "a b,c"), (Strings{"a", "b", ",", "c"}));
  EXPECT_EQ(words("null", "a b"), Strings{"a b"});
}

AddedToken token(std::int32_t id, std::string content) {
  AddedToken made;
  made.id = id;
  made.content = std::move(content);
  return made;
}

// "text" of each segment; tokens as "<id>".
Strings segments(std::vector<AddedToken> tokens, std::string_view text) {
  Strings all;
  const AddedTokenFinder finder(tokens);  // segments are views of `text`
  for (const auto& segment : finder.split(text)) {
    all.push_back(segment.id ? "<" + std::to_string(*segment.id) + ">" : std::string(segment.text));
  }
  return all;
}

TEST(AddedTokens, TheLeftmostOfThoseTheLongest) {
  EXPECT_EQ(segments({token(1, "<s>"), token(2, "<s>>")}, "a<s>b<s>>"), (Strings{"a", "<1>", "b", "<2>"}));
  EXPECT_EQ(segments({token(1, "ab"), token(2, "bcd")}, "abcd"), (Strings{"<1>", "cd"}));
  EXPECT_EQ(segments({token(1, "")}, "a"), Strings{"a"});
}

TEST(AddedTokens, TakeWhiteSpaceAndStandAlone) {
  AddedToken mask = token(1, "[M]");
  mask.takes_left = mask.takes_right = true;
  EXPECT_EQ(segments({mask}, "a \u3000[M] \n[M] b"), (Strings{"a", "<1>", "<1>", "b"}));
  AddedToken word = token(2, "cat");
  word.single_word = true;
  EXPECT_EQ(segments({word}, "cat concat cats, cat\u00e9 cat!"),
            (Strings{"<2>", " concat cats, cat\u00e9 ", "<2>", "!"}));
}

TEST(TextFrame, Components) {
  const auto frame = [](const char* component) { return make_text_frame(json::parse(component), "test"); };
  const char* llama = R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "special_tokens": {"<s>": {"id": "<s>", "ids": [1, 5], "tokens": ["<s>", "x"]}}})";
  EXPECT_EQ(frame(llama).prefix, (std::vector<std::int32_t>{1, 5}));
  EXPECT_TRUE(frame(llama).suffix.empty());
  const auto bert = frame(R"({"type": "BertProcessing", "sep": ["[SEP]", 102], "cls": ["[CLS]", 101]})");
  EXPECT_EQ(bert.prefix, std::vector<std::int32_t>{101});
  EXPECT_EQ(bert.suffix, std::vector<std::int32_t>{102});
  const auto both = frame(
      (R"({"type": "Sequence", "processors": [{"type": "ByteLevel"}, )" + std::string(llama) + "]}").c_str());
  EXPECT_EQ(both.prefix, (std::vector<std::int32_t>{1, 5}));
}

std::string decoded(const char* component, Strings pieces) {
  GrowingText text = TokenDecoder(json::parse(component), "test").start(TextPart::kWhole);
  std::string all;
  for (std::string& piece : pieces) all += text.add(std::move(piece));
  return all + text.finish();
}

TEST(TokenDecoder, Components) {
  EXPECT_EQ(decoded("null", {"a", "b"}), "a b");
  EXPECT_EQ(decoded(R"({"type": "ByteLevel"})", {"\u0120a", "\u00c3\u00a9", "<a b>"}), " a\u00e9<a b>");
  EXPECT_EQ(decoded(R"({"type": "ByteLevel"})", {"\u00c3"}), "\ufffd");
  EXPECT_EQ(decoded(R"({"type": "Metaspace"})", {"\u2581"
                                                 "a",
                                                 "\u2581"
                                                 "b"}),
            "a b");
  EXPECT_EQ(decoded(R"({"type": "Metaspace", "prepend_scheme": "never"})", {"\u2581"
                                                                            "a"}),
            " a");
  EXPECT_EQ(decoded(R"({"type": "WordPiece"})", {"do", "##g", "!"}), "dog!");
  EXPECT_EQ(decoded(R"({"type": "WordPiece", "cleanup": false})", {"do", "!"}), "do !");
  const char* llama = R"({"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
      {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";
  EXPECT_EQ(decoded(llama, {"\u2581\u2581"
                            "a",
                            "<0xC3>", "<0xA9>", "<0xFF>", "b"}),
            " a\ufffd\ufffd\ufffdb");
  EXPECT_EQ(decoded(llama, {"\u2581"
                            "a",
                            "<0xC3>", "<0xA9>"}),
            "a\u00e9");
}

TEST(TokenDecoder, APieceInsideATextKeepsItsSpaceAndBytes) {
  const TokenDecoder bytes(json::parse(R"({"type": "ByteLevel"})"), "");
  EXPECT_EQ(bytes.bytes_inside("\u0120the"), " the");
  EXPECT_EQ(bytes.bytes_inside("\u00c3"), "\xC3");
  EXPECT_EQ(TokenDecoder(json::parse(R"({"type": "Metaspace"})"), "")
                .bytes_inside("\u2581"
                              "a"),
            " a");
  EXPECT_EQ(TokenDecoder(json::parse(R"({"type": "WordPiece"})"), "").bytes_inside("##a"), "a");
}

TEST(TokenizerComponents, UnknownOnesAreNamed) {
  const auto unknown = json::parse(R"({"type": "Nmt"})");
  fixtures::expect_user_error([&] { make_normalizer(unknown, "t.json: normalizer"); },
                              {"t.json", "Nmt", "NFC"});
  fixtures::expect_user_error([&] { make_pre_tokenizer(unknown, "pre"); }, {"pre", "Nmt", "ByteLevel"});
  fixtures::expect_user_error([&] { make_text_frame(unknown, "post"); },
                              {"post", "Nmt", "TemplateProcessing"});
  fixtures::expect_user_error([&] { TokenDecoder(unknown, "decoder"); }, {"decoder", "Nmt", "Metaspace"});
  fixtures::expect_user_error([&] { make_normalizer(json::parse("[]"), "n"); }, {"n"});
  json nested = {{"type", "NFC"}};
  for (int i = 0; i < 20; ++i) nested = {{"type", "Sequence"}, {"normalizers", {nested}}};
  fixtures::expect_user_error([&] { make_normalizer(nested, "n"); }, {"nested"});
  const auto after =
      json::parse(R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]})");
  fixtures::expect_user_error([&] { make_pre_tokenizer(after, "pre"); }, {"pre[1]", "after ByteLevel"});
}

}  // namespace
}  // namespace espalier
