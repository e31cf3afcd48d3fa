#include "text/wordpiece.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "paths.h"

namespace espalier {
namespace {

using Pieces = std::vector<std::string>;

const Pieces kVocabulary = {"[PAD]", "[UNK]",    "[CLS]", "[SEP]",    "[MASK]", "a",    "b",  "c",    "##a",
                            "##b",   "##c",      "un",    "##aff",    "##able", "[",    "]",  "mask", ",",
                            "!",     "'",        "=",     "cafe",     "café",   "Cafe", "σ",  "##ς",  "##σ",
                            "中",    "文",       "##文",  "##\u1161", "\u1100", "😀",    "ab", "##bc", "abcd",
                            "i",     "##\u302e", "ß",     "##d",      "x"};

WordPiece tokenizer(WordPiece::Options options = {}) {
  return WordPiece::from_pieces(kVocabulary, options);
}

Pieces pieces(const WordPiece& wordpiece, std::string_view text) {
  Pieces out;
  for (const auto id : wordpiece.encode(text)) out.emplace_back(wordpiece.piece(id));
  return out;
}

struct Case {
  const char* what;
  std::string text;
  Pieces expected;
};

void check(const WordPiece& wordpiece, const std::vector<Case>& cases) {
  for (const auto& [what, text, expected] : cases) EXPECT_EQ(pieces(wordpiece, text), expected) << what;
}

TEST(WordPiece, TakesTheLongestPieceFirst) {
  check(tokenizer(),
        {{"reference example", "unaffable", {"un", "##aff", "##able"}},
         {"longer piece wins", "abcd", {"abcd"}},
         {"then the rest", "abc", {"ab", "##c"}},
         {"continuations differ from starts", "aab", {"a", "##a", "##b"}},
         {"no way back from a greedy match", "abbcd", {"ab", "##bc", "##d"}},
         {"a word with an unknown part is one [UNK]", "ab#z abz", {"ab", "[UNK]", "[UNK]", "[UNK]"}},
         {"empty", "", {}},
         {"only spaces", " \t\r\n ", {}}});
}

TEST(WordPiece, CleansAndSplitsLikeTheReference) {
  check(tokenizer(),
        {{"punctuation stands alone", "a,b!!", {"a", ",", "b", "!", "!"}},
         {"special pieces are text", "[MASK]", {"[", "mask", "]"}},
         {"NUL, controls and formats vanish", std::string("a\0b\x01\u200D", 7) + "c", {"ab", "##c"}},
         {"characters of private use vanish", "a\uE000b\U0010FFFD", {"ab"}},
         {"vertical tab is a control, not a space", "a\vb", {"ab"}},
         {"no-break and ideographic space", "a\u00A0b\u3000c", {"a", "b", "c"}},
         {"line and paragraph separators", "a\u2028b\u2029c", {"a", "b", "c"}},
         {"replacement character vanishes", "a\uFFFDb", {"ab"}},
         {"ideographs stand alone", "a中文b", {"a", "中", "文", "b"}},
         {"emoji is a word character", "😀 a😀", {"😀", "[UNK]"}}});
}

TEST(WordPiece, LowersAndStripsAccents) {
  check(tokenizer(), {{"composed", "CAFÉ", {"cafe"}},
                      {"decomposed", "cafe\u0301", {"cafe"}},
                      {"dotted capital I lowers to two characters", "İ", {"i"}},
                      {"sharp s has no decomposition", "ß", {"ß"}},
                      {"a final sigma is a sigma like others", "ΣΣΣ", {"σ", "##σ", "##σ"}},
                      {"a mark after an ideograph", "中\u0301文", {"中", "文"}},
                      {"Hangul decomposes", "가", {"\u1100", "##\u1161"}},
                      {"a mark of category Mc stays", "i\u302E", {"i", "##\u302e"}},
                      {"not-equal folds to punctuation", "a≠b", {"a", "=", "b"}}});
}

TEST(WordPiece, KeepsCaseAndAccentsWhenAsked) {
  check(tokenizer({.lower_case = false}), {{"case", "Cafe cafe", {"Cafe", "cafe"}},
                                           {"accents", "café", {"café"}},
                                           {"unknown case", "CAFE", {"[UNK]"}}});
}

TEST(WordPiece, LeavesIdeographsInWordsWhenAsked) {
  check(tokenizer({.split_cjk = false}),
        {{"one word", "中文", {"中", "##文"}}, {"within letters", "a文", {"a", "##文"}}});
}

TEST(WordPiece, LimitCountsCharactersNotBytes) {
  const auto wordpiece = tokenizer({.max_word_characters = 3});
  check(wordpiece, {{"three", "aaa", {"a", "##a", "##a"}},
                    {"four", "aaaa", {"[UNK]"}},
                    {"the next word is read as usual", "aaaa b", {"[UNK]", "b"}},
                    {"three of two bytes", "σσσ", {"σ", "##σ", "##σ"}},
                    {"stripped marks do not count", "a\u0301a\u0301a\u0301", {"a", "##a", "##a"}}});
  const auto usual = tokenizer();
  EXPECT_EQ(usual.encode(std::string(100, 'a')).size(), 100u);
  EXPECT_EQ(pieces(usual, std::string(101, 'a')), Pieces{"[UNK]"});
}

TEST(WordPiece, DropsIllFormedUtf8) {
  check(tokenizer(), {{"lone continuation",
                       "a\x80"
                       "b",
                       {"ab"}},
                      {"sequence cut by a letter",
                       "\xE2\x82"
                       "a",
                       {"a"}},
                      {"overlong slash",
                       "a\xC0\xAF"
                       "b",
                       {"ab"}},
                      {"surrogate",
                       "a\xED\xA0\x80"
                       "b",
                       {"ab"}},
                      {"past the last code point",
                       "a\xF4\x90\x80\x80"
                       "b",
                       {"ab"}},
                      {"cut at the end", "a\xF0\x9F\x98", {"a"}}});
}

TEST(WordPiece, RecognizesSpecialPiecesWhenAsked) {
  const auto wordpiece = tokenizer({.special_tokens = WordPiece::SpecialTokens::kRecognized});
  check(wordpiece, {{"within text", "a [MASK], b", {"a", "[MASK]", ",", "b"}},
                    {"without spaces", "a[SEP]b[SEP]", {"a", "[SEP]", "b", "[SEP]"}},
                    {"case counts", "[mask]", {"[", "mask", "]"}},
                    {"a bracket that opens nothing", "[[MASK]", {"[", "[MASK]"}}});
}

TEST(WordPiece, AppendsAndNamesPieces) {
  const auto wordpiece = tokenizer();
  std::vector<std::int32_t> ids = {7};
  wordpiece.encode("a b", ids);
  EXPECT_EQ(ids, (std::vector<std::int32_t>{7, 5, 6}));
  EXPECT_EQ(wordpiece.vocabulary_size(), static_cast<std::int32_t>(kVocabulary.size()));
  EXPECT_EQ(wordpiece.pad(), 0);
  EXPECT_EQ(wordpiece.unk(), 1);
  EXPECT_EQ(wordpiece.cls(), 2);
  EXPECT_EQ(wordpiece.sep(), 3);
  EXPECT_EQ(wordpiece.mask(), 4);
  EXPECT_EQ(wordpiece.id("##aff"), 12);
  EXPECT_EQ(wordpiece.id("absent"), -1);
  EXPECT_THROW(wordpiece.piece(static_cast<std::int32_t>(kVocabulary.size())), InternalError);
}

TEST(WordPiece, EveryPieceOfALargeVocabularyIsFound) {
  Pieces all = {"[UNK]"};
  for (int i = 0; i < 20000; ++i) {
    const std::string number = std::to_string(i * 7);
    all.push_back(number);
    all.push_back(std::string("##x").append(number));
  }
  const auto wordpiece = WordPiece::from_pieces(all, {});
  for (int i = 0; i < 20000; i += 11) {
    const std::string number = std::to_string(i * 7);
    ASSERT_EQ(pieces(wordpiece, number), Pieces{number});
    ASSERT_EQ(pieces(wordpiece, std::string("7x").append(number)),
              (Pieces{"7", std::string("##x").append(number)}));
  }
}

// Published vectors for bert-base-uncased, where the data folder has them.
TEST(WordPiece, AgreesWithPublishedVectors) {
  const char* named = std::getenv("ESPALIER_SHARED_DATA");
  const std::filesystem::path data = named ? named : source_dir() + "/../shared/data";
  const auto vectors = data / "tokenizers/llamacpp-vocab/ggml-vocab-bert-bge.gguf";
  const auto vocabulary = data / "tokenizers/bert-base-uncased/vocab.txt";
  if (!std::filesystem::exists(vocabulary)) {
    GTEST_SKIP() << vocabulary << " is not there; set ESPALIER_SHARED_DATA to run this test";
  }
  const auto wordpiece = WordPiece::load(vocabulary, {});
  std::ifstream input(vectors.string() + ".inp");
  std::ifstream output(vectors.string() + ".out");
  std::stringstream whole;
  whole << input.rdbuf();
  const std::string texts = whole.str();
  const std::string separator = "\n__ggml_vocab_test__\n";
  int compared = 0;
  std::string expected;
  for (std::size_t at = 0; std::getline(output, expected); ++compared) {
    const auto end = std::min(texts.find(separator, at), texts.size());
    std::string got;
    for (const auto id : wordpiece.encode(std::string_view(texts).substr(at, end - at))) {
      got += fmt::format(" {}", id);
    }
    EXPECT_EQ(got, expected) << "text " << compared;
    at = end + separator.size();
  }
  EXPECT_GT(compared, 40);
}

}  // namespace
}  // namespace espalier
