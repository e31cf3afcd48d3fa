#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/wordpiece_trainer.h"

namespace espalier {

/// Words as sequences of symbols, and the counts of their neighbouring pairs, kept up to date while pairs are
/// joined. Pairs wait in a heap; an entry whose count is out of date is put back with the right one when it
/// comes up.
class PairMerger {
 public:
  struct Word {
    std::vector<std::int32_t> symbols;
    std::uint64_t count = 0;
  };
  struct Pair {
    std::int32_t left = 0;
    std::int32_t right = 0;
  };

  PairMerger(std::vector<Word> words, std::int32_t symbols, const WordPieceTraining& options);

  /// The best pair by the chosen score; ties go to the smaller left, then right symbol. None when all are
  /// rarer than `min_pair_count`.
  std::optional<Pair> best();

  /// Replaces each `pair` by `symbol` (left to right where they overlap).
  void join(Pair pair, std::int32_t symbol);

 private:
  struct PairState {
    std::int64_t count = 0;
    std::vector<std::uint32_t> words;  // words that held the pair once
  };
  struct Candidate {
    double score;
    std::uint64_t key;
    bool operator<(const Candidate& other) const {
      return score != other.score ? score < other.score : key > other.key;
    }
  };

  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return (static_cast<std::uint64_t>(left) << 32) | static_cast<std::uint32_t>(right);
  }
  double score_of(std::uint64_t key, std::int64_t count) const;
  void add_pair(std::int32_t left, std::int32_t right, std::int64_t count, std::uint32_t word);
  void remove_pair(std::int32_t left, std::int32_t right, std::int64_t count);
  void join_in_word(std::uint32_t index, Pair pair, std::int32_t symbol);
  void push_changed();

  std::vector<Word> words_;
  WordPieceTraining options_;
  std::vector<std::int64_t> symbol_counts_;
  std::vector<std::vector<std::uint64_t>>
      pairs_with_;  // by symbol; only for the likelihood, whose scores can rise
  std::unordered_map<std::uint64_t, PairState> pairs_;
  std::vector<std::uint64_t> changed_;  // pairs whose score may have risen since the last push
  std::priority_queue<Candidate> heap_;
};

}  // namespace espalier
