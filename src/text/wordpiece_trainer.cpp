#include "text/wordpiece_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "base/error.h"
#include "text/pair_merger.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::array<const char*, 5> kSpecialPieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

using CountedWord = std::pair<std::string_view, std::uint64_t>;

// Sorted, so that nothing depends on the order of a hash table.
std::vector<CountedWord> sorted_words(const WordCounts& counts) {
  std::vector<CountedWord> words(counts.counts().begin(), counts.counts().end());
  std::sort(words.begin(), words.end());
  return words;
}

template <class Visit>
void for_each_character(std::string_view word, Visit visit) {
  for (std::size_t at = 0; at < word.size();) {
    const auto bytes = decode_utf8(word, at).bytes;
    visit(word.substr(at, bytes), at == 0);
    at += bytes;
  }
}

using Alphabet = std::map<std::string_view, std::uint64_t>;

Alphabet choose_alphabet(const std::vector<CountedWord>& words, const WordPieceTraining& options) {
  Alphabet all;
  for (const auto& [word, count] : words) {
    for_each_character(word, [&, n = count](std::string_view character, bool) { all[character] += n; });
  }
  std::vector<CountedWord> ranked(all.begin(), all.end());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  const auto limit = static_cast<std::size_t>(std::max(options.limit_alphabet, 1));
  if (ranked.size() > limit) ranked.resize(limit);
  Alphabet kept;
  for (const auto& [character, count] : ranked) {
    if (count >= options.min_character_count) kept.emplace(character, count);
  }
  return kept;
}

// The vocabulary as it grows.
struct Pieces {
  std::vector<std::string> texts;
  std::unordered_map<std::string, std::int32_t> ids;

  std::int32_t add(const std::string& text) {
    const auto [found, is_new] = ids.try_emplace(text, static_cast<std::int32_t>(texts.size()));
    if (is_new) texts.push_back(text);
    return found->second;
  }
};

std::string symbol_text(std::string_view character, bool starts_word) {
  return starts_word ? std::string(character) : std::string("##").append(character);
}

Pieces first_pieces(const std::vector<CountedWord>& words, const Alphabet& alphabet) {
  std::vector<std::string> symbols;
  std::unordered_map<std::string, int> seen;
  for (const auto& [word, count] : words) {
    for_each_character(word, [&](std::string_view character, bool starts_word) {
      if (!alphabet.contains(character)) return;
      auto text = symbol_text(character, starts_word);
      if (seen.try_emplace(text, 0).second) symbols.push_back(std::move(text));
    });
  }
  std::sort(symbols.begin(), symbols.end());
  Pieces pieces;
  for (const char* special : kSpecialPieces) pieces.add(special);
  for (const auto& symbol : symbols) pieces.add(symbol);
  return pieces;
}

std::vector<PairMerger::Word> words_of_symbols(const std::vector<CountedWord>& words,
                                               const Alphabet& alphabet, const Pieces& pieces) {
  std::vector<PairMerger::Word> out;
  for (const auto& [word, count] : words) {
    PairMerger::Word sequence;
    sequence.count = count;
    bool complete = true;
    for_each_character(word, [&](std::string_view character, bool starts_word) {
      complete = complete && alphabet.contains(character);
      if (complete) sequence.symbols.push_back(pieces.ids.at(symbol_text(character, starts_word)));
    });
    if (complete) out.push_back(std::move(sequence));
  }
  return out;
}

void join_pairs(Pieces& pieces, PairMerger& merger, std::size_t size, const ProgressSink& progress) {
  while (pieces.texts.size() < size) {
    const auto pair = merger.best();
    if (!pair) break;
    const auto& left = pieces.texts[static_cast<std::size_t>(pair->left)];
    const auto& right = pieces.texts[static_cast<std::size_t>(pair->right)];
    // Two pairs may spell the same piece; it then gets one id.
    merger.join(*pair, pieces.add(left + right.substr(2)));
    if (progress && pieces.texts.size() % 64 == 0) {
      progress({"training vocabulary", pieces.texts.size(), size, "pieces"});
    }
  }
  if (progress) progress({"training vocabulary", pieces.texts.size(), pieces.texts.size(), "pieces"});
}

}  // namespace

BasicTokenizerOptions words_of(const WordPieceTraining& options) {
  return {
      .characters = {.clean = true, .strip_accents = options.lower_case, .lower_case = options.lower_case},
      .split_cjk = options.split_cjk,
      .max_word_characters = options.max_word_characters};
}

std::vector<std::string> train_wordpiece(const TextSource& source, const WordPieceTraining& options,
                                         const ProgressSink& progress) {
  WordCounts counts(words_of(options));
  for (std::string text; source(text);) counts.add(text);
  return train_wordpiece(counts, options, progress);
}

std::vector<std::string> train_wordpiece(const WordCounts& counts, const WordPieceTraining& options,
                                         const ProgressSink& progress) {
  const auto words = sorted_words(counts);
  if (words.empty())
    throw UserError("the text to train a vocabulary from has no words", "give files with text in them");
  const auto alphabet = choose_alphabet(words, options);
  auto pieces = first_pieces(words, alphabet);
  const auto size = static_cast<std::size_t>(std::max(options.vocabulary_size, 0));
  if (pieces.texts.size() > size) {
    throw UserError(
        fmt::format("a vocabulary of {} pieces cannot hold the {} of the alphabet and the special pieces",
                    options.vocabulary_size, pieces.texts.size()),
        "ask for a larger vocabulary or a smaller alphabet");
  }
  const auto symbols = static_cast<std::int32_t>(pieces.texts.size());
  PairMerger merger(words_of_symbols(words, alphabet, pieces), symbols, options);
  join_pairs(pieces, merger, size, progress);
  return std::move(pieces.texts);
}

}  // namespace espalier
