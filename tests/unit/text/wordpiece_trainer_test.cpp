#include "text/wordpiece_trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "text/wordpiece.h"

namespace espalier {
namespace {

using Pieces = std::vector<std::string>;

TextSource lines(const Pieces& texts) {
  return [texts, next = std::size_t{0}](std::string& text) mutable {
    if (next == texts.size()) return false;
    text = texts[next++];
    return true;
  };
}

TEST(WordPieceTrainer, JoinsTheMostFrequentPairFirst) {
  // Words: hug 10, pug 5, pun 12, bun 4, hugs 5. Pairs: u+g 20, u+n 16, h+u 15, ...
  Pieces text;
  const std::map<std::string, int> counts = {{"hug", 10}, {"pug", 5}, {"pun", 12}, {"bun", 4}, {"hugs", 5}};
  for (const auto& [word, count] : counts) text.insert(text.end(), static_cast<std::size_t>(count), word);
  const auto pieces = train_wordpiece(lines(text), {.vocabulary_size = 16});
  EXPECT_EQ(pieces, (Pieces{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "##g", "##n", "##s", "##u", "b",
                            "h", "p", "##ug", "##un", "hug", "pun"}));
}

TEST(WordPieceTrainer, LikelihoodPrefersPartsThatAreRareApart) {
  // q only stands before u (6 of 6); a+b is more frequent (8), but a and b are everywhere.
  Pieces text(8, "ab");
  text.insert(text.end(), 6, "qu");
  for (const char* word : {"ac", "ad", "cb", "db"}) text.insert(text.end(), 7, word);
  auto options = WordPieceTraining{.vocabulary_size = 14};
  EXPECT_EQ(train_wordpiece(lines(text), options).back(), "ab");
  options.score = WordPieceTraining::Score::kLikelihood;
  EXPECT_EQ(train_wordpiece(lines(text), options).back(), "qu");
}

// Counts all pairs anew for every join.
Pieces trained_by_plain_loops(const Pieces& text, std::size_t size, bool likelihood) {
  std::map<std::string, int> words;
  for (const auto& word : text) ++words[word];
  std::vector<std::pair<Pieces, int>> sequences;
  std::set<std::string> alphabet;
  for (const auto& [word, count] : words) {
    Pieces sequence;
    for (std::size_t i = 0; i < word.size(); ++i)
      sequence.push_back(std::string(i ? "##" : "").append(word, i, 1));
    alphabet.insert(sequence.begin(), sequence.end());
    sequences.emplace_back(sequence, count);
  }
  Pieces pieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  pieces.insert(pieces.end(), alphabet.begin(), alphabet.end());
  const auto id = [&](const std::string& piece) { return std::find(pieces.begin(), pieces.end(), piece); };
  while (pieces.size() < size) {
    std::map<std::pair<long, long>, int> pairs;
    std::map<long, int> singles;
    for (const auto& [sequence, count] : sequences) {
      for (std::size_t i = 0; i < sequence.size(); ++i) {
        singles[id(sequence[i]) - pieces.begin()] += count;
        if (i) pairs[{id(sequence[i - 1]) - pieces.begin(), id(sequence[i]) - pieces.begin()}] += count;
      }
    }
    std::pair<long, long> best;
    double best_score = 0;
    for (const auto& [pair, count] : pairs) {
      const double score =
          likelihood ? count / (double(singles[pair.first]) * double(singles[pair.second])) : count;
      if (count >= 2 && score > best_score) best = pair, best_score = score;
    }
    if (best_score == 0) break;
    const auto left = pieces[static_cast<std::size_t>(best.first)],
               right = pieces[static_cast<std::size_t>(best.second)];
    const auto joined = left + right.substr(2);
    if (id(joined) == pieces.end()) pieces.push_back(joined);
    for (auto& [sequence, count] : sequences) {
      for (std::size_t i = 0; i + 1 < sequence.size(); ++i) {
        if (sequence[i] != left || sequence[i + 1] != right) continue;
        sequence[i] = joined;
        sequence.erase(sequence.begin() + static_cast<long>(i) + 1);
      }
    }
  }
  return pieces;
}

TEST(WordPieceTrainer, AgreesWithPlainLoops) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Rng rng(seed);
    Pieces text;
    for (int i = 0; i < 400; ++i) {
      std::string word;
      for (std::uint64_t j = 0; j < 1 + rng.below(8); ++j)
        word += static_cast<char>('a' + rng.below(3) * rng.below(3));
      text.push_back(word);
    }
    for (const bool likelihood : {false, true}) {
      WordPieceTraining options{.vocabulary_size = 120};
      if (likelihood) options.score = WordPieceTraining::Score::kLikelihood;
      EXPECT_EQ(train_wordpiece(lines(text), options), trained_by_plain_loops(text, 120, likelihood)) << seed;
    }
  }
}

TEST(WordPieceTrainer, OrderOfTheTextDoesNotMatter) {
  Pieces text = {"the cat sat on the mat", "a cat and a hat", "that fat rat", "the hat that sat"};
  const auto one = train_wordpiece(lines(text), {.vocabulary_size = 60});
  std::reverse(text.begin(), text.end());
  EXPECT_EQ(train_wordpiece(lines(text), {.vocabulary_size = 60}), one);
}

TEST(WordPieceTrainer, LimitsTheAlphabet) {
  const Pieces text = {"aaaa bbb cc d", "ab", "ac", "ad ad"};
  const auto pieces = train_wordpiece(lines(text), {.vocabulary_size = 100, .limit_alphabet = 2});
  for (const auto& piece : pieces) {
    if (!piece.starts_with('[')) {
      EXPECT_EQ(piece.find_first_not_of("ab#"), std::string::npos) << piece;
    }
  }
  EXPECT_TRUE(std::count(pieces.begin(), pieces.end(), "ab") == 0);  // once only: below min_pair_count
  const auto rare = train_wordpiece(lines(text), {.vocabulary_size = 100, .min_character_count = 5});
  EXPECT_EQ(std::count(rare.begin(), rare.end(), "##b"), 0);
}

TEST(WordPieceTrainer, TrainedVocabularyEncodesItsText) {
  const Pieces text = {"Hello, hello world!", "The world says: hello.", "héllo wörld"};
  const auto wordpiece = WordPiece::from_pieces(train_wordpiece(lines(text), {.vocabulary_size = 40}), {});
  for (const auto& line : text) {
    for (const auto id : wordpiece.encode(line)) EXPECT_NE(id, wordpiece.unk()) << line;
  }
  EXPECT_EQ(wordpiece.encode("hello").size(), 1u);
}

TEST(WordPieceTrainer, ReportsProgress) {
  std::uint64_t last = 0;
  const auto pieces = train_wordpiece(lines({"aa aa ab ab"}), {.vocabulary_size = 10},
                                      [&](const Progress& progress) { last = progress.done; });
  EXPECT_EQ(last, pieces.size());
}

TEST(WordPieceTrainer, RefusesWhatCannotWork) {
  EXPECT_THROW(train_wordpiece(lines({}), {}), UserError);
  EXPECT_THROW(train_wordpiece(lines({" \t"}), {}), UserError);
  EXPECT_THROW(train_wordpiece(lines({"abcdef"}), {.vocabulary_size = 8}), UserError);
}

}  // namespace
}  // namespace espalier
