#include "text/byte_pair_encoding.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "text/byte_alphabet.h"

namespace espalier {
namespace {

using Ids = std::vector<std::int32_t>;

// The textbook: the best pair of all, the leftmost first, again and again.
Ids plain_join(const MergeTable& table, Ids symbols) {
  for (;;) {
    std::size_t best = symbols.size();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto rank = table.find(symbols[i], symbols[i + 1]).rank;
      const bool better = best == symbols.size() || rank < table.find(symbols[best], symbols[best + 1]).rank;
      if (rank != MergeTable::kNone && better) best = i;
    }
    if (best == symbols.size()) return symbols;
    symbols[best] = table.find(symbols[best], symbols[best + 1]).symbol;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(MergeTable, JoinsShortAndLongWordsAsTheTextbook) {
  Rng rng(3);
  MergeTable table(200);
  for (std::uint32_t rank = 0; rank < 200; ++rank) {
    const auto symbol = [&] { return static_cast<std::int32_t>(rng.below(4 + rank)); };
    table.add(symbol(), symbol(), {rank / 2, static_cast<std::int32_t>(4 + rank)});  // some ranks are equal
  }
  for (int round = 0; round < 300; ++round) {
    Ids symbols;
    for (std::uint64_t length = rng.below(120); length > 0; --length) {
      symbols.push_back(static_cast<std::int32_t>(rng.below(4)));
    }
    const Ids expected = plain_join(table, symbols);
    table.join(symbols);
    EXPECT_EQ(symbols, expected);
  }
}

TEST(ByteAlphabet, SpellsEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(spelled_bytes(byte_letter(static_cast<std::uint8_t>(byte))),
              std::string(1, static_cast<char>(byte)));
  }
  EXPECT_EQ(byte_letter(' '), "\u0120");
  EXPECT_EQ(byte_letter('\n'), "\u010a");
  EXPECT_EQ(spelled_bytes("a b"), std::nullopt);  // a space spells itself otherwise
}

TEST(WordCache, GivesBackWhatItWasGiven) {
  WordCache cache;
  EXPECT_EQ(cache.slot(""), nullptr);
  EXPECT_EQ(cache.slot(std::string(23, 'a')), nullptr);
  const std::string word(22, 'b');
  WordCache::Slot* slot = cache.slot(word);
  ASSERT_NE(slot, nullptr);
  EXPECT_FALSE(slot->holds(word));
  WordCache::keep(*slot, word, Ids(11, 1));  // too many tokens
  EXPECT_FALSE(slot->holds(word));
  WordCache::keep(*slot, word, Ids{1, 2});
  EXPECT_TRUE(cache.slot(word)->holds(word));
  EXPECT_FALSE(slot->holds(word.substr(1)));
  EXPECT_EQ(slot->tokens_of().size(), 2u);
}

BytePairEncoding characters(BytePairEncoding::Unknown unknown,
                            BytePairEncoding::WholeWords whole = BytePairEncoding::WholeWords::kMerge) {
  return {{{"?", 0}, {"a", 1}, {"b", 2}, {"ab", 3}, {"ba", 4}, {"aba", 5}, {"<", 6}},
          {{1, 2, 3, 0}, {2, 1, 4, 1}},
          BytePairEncoding::Alphabet::kCharacters,
          unknown,
          whole};
}

Ids encoded(const BytePairEncoding& model, std::string_view word) {
  WordCache cache;
  Ids first, again;
  model.encode(word, cache, first);
  model.encode(word, cache, again);
  EXPECT_EQ(first, again);
  return first;
}

TEST(BytePairEncoding, UnknownCharacters) {
  EXPECT_EQ(encoded(characters({}), "a\u00e9b"), Ids{3});  // left out, as the original does
  EXPECT_EQ(encoded(characters({.piece = 0}), "a\u00e9\u00e9"), (Ids{1, 0, 0}));
  EXPECT_EQ(encoded(characters({.piece = 0, .fuse = true}),
                    "\u00e9\u00e9"
                    "a\u00e9"),
            (Ids{0, 1, 0}));
  BytePairEncoding::Unknown bytes{.has_byte_pieces = true, .piece = 0, .fuse = true};
  for (std::size_t i = 0; i < 256; ++i) bytes.byte_pieces[i] = static_cast<std::int32_t>(100 + i);
  EXPECT_EQ(encoded(characters(bytes), "a\u00e9"), (Ids{1, 100 + 0xC3, 100 + 0xA9}));
}

TEST(BytePairEncoding, WholeWordsPassMergesBy) {
  EXPECT_EQ(encoded(characters({}), "aba"), (Ids{3, 1}));
  EXPECT_EQ(encoded(characters({}, BytePairEncoding::WholeWords::kLookUp), "aba"), Ids{5});
}

// With and without a piece that goes on past a mark, the same merges give the same ids.
TEST(BytePairEncoding, CuttingAtMarksChangesNothing) {
  const std::string mark = "\u2581";
  BytePairEncoding::Vocabulary pieces = {
      {mark, 0}, {"a", 1}, {"b", 2}, {mark + "a", 3}, {mark + mark, 4}, {mark + mark + "a", 5}, {"ab", 6}};
  const std::vector<BytePairEncoding::Merge> merges = {
      {0, 1, 3, 0}, {0, 0, 4, 1}, {1, 2, 6, 2}, {4, 1, 5, 3}};
  const auto alphabet = BytePairEncoding::Alphabet::kCharacters;
  const auto merge = BytePairEncoding::WholeWords::kMerge;
  const BytePairEncoding cut(pieces, merges, alphabet, {}, merge);
  pieces.emplace("x" + mark, 7);
  const BytePairEncoding whole(pieces, merges, alphabet, {}, merge);
  Rng rng(5);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (std::uint64_t length = rng.below(60); length > 0; --length) {
      text += std::vector<std::string>{mark, "a", "b"}[rng.below(3)];
    }
    EXPECT_EQ(encoded(cut, text), encoded(whole, text)) << text;
  }
}

}  // namespace
}  // namespace espalier
