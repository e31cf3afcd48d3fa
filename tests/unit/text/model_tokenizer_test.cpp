#include "text/model_tokenizer.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "temporary_folder.h"
#include "text/tokenizer.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using Pieces = std::vector<std::string>;
using nlohmann::json;

/// A letter of each kind at a word's beginning and inside, and "schon" and "schön" whole.
Pieces vocabulary() {
  Pieces pieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "schon", "schön", ",", "[", "]"};
  for (const char* letter : {"a", "b", "c", "h", "k", "m", "n", "o", "s", "ö", "ß", "S", "日", "本", "語"}) {
    pieces.emplace_back(letter);
    pieces.push_back(std::string("##") + letter);
  }
  return pieces;
}

std::string vocabulary_text() {
  std::string text;
  for (const std::string& piece : vocabulary()) text += piece + '\n';
  return text;
}

/// The same as a tokenizer.json, as fast tokenizers save it.
json tokenizer_json() {
  json pieces, added = json::array();
  for (const std::string& piece : vocabulary()) {
    const auto id = pieces.size();
    pieces[piece] = id;
    if (id < 5) {
      added.push_back({{"id", id}, {"content", piece}, {"special", true}, {"normalized", false}});
    }
  }
  return {{"added_tokens", added},
          {"normalizer",
           {{"type", "BertNormalizer"},
            {"clean_text", true},
            {"handle_chinese_chars", true},
            {"strip_accents", nullptr},
            {"lowercase", true}}},
          {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
          {"post_processor", {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}}},
          {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
          {"model",
           {{"type", "WordPiece"},
            {"unk_token", "[UNK]"},
            {"continuing_subword_prefix", "##"},
            {"max_input_chars_per_word", 100},
            {"vocab", pieces}}}};
}

Pieces pieces_of(const WordPiece& tokenizer, std::string_view text) {
  Pieces pieces;
  for (const auto id : tokenizer.encode(text)) pieces.emplace_back(tokenizer.piece(id));
  return pieces;
}

const char* const kText = "Schön, a [MASK] ba\u0301\u200Bc 日本語";

TEST(ModelTokenizer, AVocabularyAndATokenizerJsonMakeTheSameIds) {
  const TemporaryFolder folder;
  folder.write("v/vocab.txt", vocabulary_text());
  folder.write("j/tokenizer.json", tokenizer_json().dump());
  const WordPiece vocabulary = load_tokenizer(folder / "v"), json = load_tokenizer(folder / "j");
  EXPECT_EQ(pieces_of(vocabulary, kText), (Pieces{"schon", ",", "a", "[", "m", "##a", "##s", "##k", "]", "b",
                                                  "##a", "##c", "日", "本", "語"}));
  EXPECT_EQ(vocabulary.encode(kText), json.encode(kText));
  EXPECT_EQ(json.cls(), 2);
  EXPECT_EQ(json.mask(), 4);
  EXPECT_EQ(json.vocabulary_size(), vocabulary.vocabulary_size());
  EXPECT_NE(json.identity(), vocabulary.identity());
  EXPECT_EQ(open_tokenizer(folder / "j")->encode("[MASK]"), std::vector<std::int32_t>{4});
}

TEST(ModelTokenizer, SettingsBesideEitherFileDecide) {
  struct Case {
    json settings;
    std::string text;
    Pieces pieces;
  };
  const std::vector<Case> cases = {
      {{{"do_lower_case", true}}, "Schön 日本", {"schon", "日", "本"}},
      {{{"do_lower_case", true}, {"strip_accents", nullptr}}, "Schön", {"schon"}},
      {{{"strip_accents", false}}, "SchÖn", {"schön"}},
      {{{"tokenize_chinese_chars", false}}, "日本語", {"日", "##本", "##語"}},
      {{{"do_lower_case", false}}, "SchöÖn", {"[UNK]"}},
      {{{"do_lower_case", false}}, "Sön", {"S", "##ö", "##n"}},
      {{{"do_lower_case", false}, {"strip_accents", true}}, "Sön", {"S", "##o", "##n"}}};
  for (const auto& [settings, text, pieces] : cases) {
    const TemporaryFolder folder;
    folder.write("v/vocab.txt", vocabulary_text());
    folder.write("j/tokenizer.json", tokenizer_json().dump());
    for (const char* model : {"v", "j"}) {
      folder.write(std::string(model) + "/tokenizer_config.json", settings.dump());
      EXPECT_EQ(pieces_of(load_tokenizer(folder / model), text), pieces) << model << settings;
    }
  }
}

TEST(ModelTokenizer, AddedTokensOfATokenizerJsonAreFoundInNormalizedText) {
  const TemporaryFolder folder;
  json tokenizer = tokenizer_json();
  tokenizer["added_tokens"].push_back({{"id", 40}, {"content", "Söo"}, {"normalized", true}});
  tokenizer["added_tokens"].push_back({{"id", 41}, {"content", "#E"}, {"normalized", false}});
  folder.write("tokenizer.json", tokenizer.dump());
  const WordPiece loaded = load_tokenizer(folder.path());
  EXPECT_EQ(loaded.encode("a söo #E [SEP]"), (std::vector<std::int32_t>{10, 40, 41, 8, 1, 9}));
  EXPECT_EQ(loaded.vocabulary_size(), 42);
  EXPECT_EQ(loaded.piece(40), "Söo");
}

TEST(ModelTokenizer, OtherNormalizersAndUncleanedTexts) {
  json tokenizer = tokenizer_json();
  tokenizer["normalizer"] = {{"type", "Lowercase"}};
  tokenizer["pre_tokenizer"] = {{"type", "WhitespaceSplit"}};
  const TemporaryFolder folder;
  folder.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(pieces_of(load_tokenizer(folder.path()), "SCHÖN ab,"), (Pieces{"schön", "[UNK]"}));
  tokenizer = tokenizer_json();
  tokenizer["normalizer"]["clean_text"] = false;
  folder.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(pieces_of(load_tokenizer(folder.path()), "a\vb a\u200Bb"), (Pieces{"a", "b", "[UNK]"}));
}

TEST(ModelTokenizer, CopiesWhatItRead) {
  const TemporaryFolder folder;
  folder.write("j/tokenizer.json", tokenizer_json().dump());
  folder.write("j/tokenizer_config.json", R"({"strip_accents": false})");
  folder.write("v/words.vocab", vocabulary_text());
  for (const char* out : {"a", "b"}) std::filesystem::create_directories(folder / out);
  copy_tokenizer(folder / "j", folder / "a");
  EXPECT_EQ(pieces_of(load_tokenizer(folder / "a"), "schön"), Pieces{"schön"});
  EXPECT_FALSE(std::filesystem::exists(folder / "a/vocab.txt"));
  folder.write("b/config.json", R"({"max_position_embeddings": 64})");
  copy_tokenizer(folder / "v/words.vocab", folder / "b");
  EXPECT_EQ(read_json(folder / "b/tokenizer_config.json")["model_max_length"], 64);
  EXPECT_EQ(read_file(folder / "b/vocab.txt"), vocabulary_text());
  EXPECT_TRUE(read_json(folder / "b/tokenizer_config.json")["do_lower_case"]);
}

TEST(ModelTokenizer, FoldersWithoutATokenizerOfAnEncoder) {
  const TemporaryFolder folder;
  fixtures::expect_user_error([&] { load_tokenizer(folder.path()); },
                              {"no tokenizer.json, tokenizer.model or vocab.txt"});
  json bytes = tokenizer_json();
  bytes["model"] = {{"type", "BPE"}, {"vocab", {{"a", 0}}}, {"merges", json::array()}};
  bytes["added_tokens"] = json::array();
  folder.write("tokenizer.json", bytes.dump());
  fixtures::expect_user_error([&] { load_tokenizer(folder.path()); }, {"type BPE", "needs WordPiece"});
}

TEST(ModelTokenizer, APieceMayBeOfAnyLength) {
  const TemporaryFolder folder;
  const std::string length(70'000, 'a');
  folder.write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n##a\n" + length + "\n##" + length + "\n");
  EXPECT_EQ(pieces_of(load_tokenizer(folder.path()), "aa"), (Pieces{"a", "##a"}));
}

}  // namespace
}  // namespace espalier
