#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "text/word_counts.h"

namespace espalier {

/// Fills `text` with the next stretch of text (a line, a paragraph; never half a word); false at the end.
using TextSource = std::function<bool(std::string& text)>;

struct WordPieceTraining {
  std::int32_t vocabulary_size = 8192;  ///< with the special pieces; fewer come out where the text has fewer
  /// Which pair of neighbouring pieces is joined next: the most frequent (as in byte-pair encoding, Sennrich
  /// et al. 2016), or the one with the largest count(ab) / (count(a) count(b)) (Schuster & Nakajima 2012).
  enum class Score { kFrequency, kLikelihood };
  Score score = Score::kFrequency;
  std::int32_t limit_alphabet = 1000;     ///< keeps at most this many characters, the most frequent
  std::uint64_t min_character_count = 1;  ///< and none that is rarer
  std::uint64_t min_pair_count = 2;       ///< joins no pair that is rarer
  bool lower_case = true;
  bool split_cjk = true;
  int max_word_characters = 100;  ///< longer words are not looked at
};

/// How the basic tokenizer splits texts for the training.
BasicTokenizerOptions words_of(const WordPieceTraining& options);

/// Trains a WordPiece vocabulary: [PAD] [UNK] [CLS] [SEP] [MASK] at ids 0 to 4, the alphabet (sorted), then
/// the joined pieces in the order in which they were found. Words with a character outside the alphabet are
/// left out. The same text in any order gives the same pieces. Throws UserError for a text without words and
/// a size that does not hold the alphabet.
std::vector<std::string> train_wordpiece(const TextSource& source, const WordPieceTraining& options,
                                         const ProgressSink& progress = {});

/// The same from words already counted (with the same basic tokenizer options).
std::vector<std::string> train_wordpiece(const WordCounts& counts, const WordPieceTraining& options,
                                         const ProgressSink& progress = {});

}  // namespace espalier
