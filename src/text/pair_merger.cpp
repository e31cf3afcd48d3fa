#include "text/pair_merger.h"

#include <algorithm>

namespace espalier {

PairMerger::PairMerger(std::vector<Word> words, std::int32_t symbols, const WordPieceTraining& options)
    : words_(std::move(words)), options_(options), symbol_counts_(static_cast<std::size_t>(symbols)) {
  if (options_.score == WordPieceTraining::Score::kLikelihood) pairs_with_.resize(symbol_counts_.size());
  for (std::uint32_t w = 0; w < words_.size(); ++w) {
    const auto& [sequence, count] = words_[w];
    for (std::size_t i = 0; i < sequence.size(); ++i) {
      symbol_counts_[static_cast<std::size_t>(sequence[i])] += static_cast<std::int64_t>(count);
      if (i > 0) add_pair(sequence[i - 1], sequence[i], static_cast<std::int64_t>(count), w);
    }
  }
  push_changed();
}

double PairMerger::score_of(std::uint64_t key, std::int64_t count) const {
  const auto together = static_cast<double>(count);
  if (options_.score == WordPieceTraining::Score::kFrequency) return together;
  return together / (static_cast<double>(symbol_counts_[key >> 32]) *
                     static_cast<double>(symbol_counts_[key & 0xFFFFFFFFu]));
}

void PairMerger::add_pair(std::int32_t left, std::int32_t right, std::int64_t count, std::uint32_t word) {
  const auto key = key_of(left, right);
  auto [found, is_new] = pairs_.try_emplace(key);
  auto& state = found->second;
  state.count += count;
  if (state.words.empty() || state.words.back() != word) state.words.push_back(word);
  changed_.push_back(key);
  if (is_new && !pairs_with_.empty()) {
    pairs_with_[static_cast<std::size_t>(left)].push_back(key);
    pairs_with_[static_cast<std::size_t>(right)].push_back(key);
  }
}

void PairMerger::remove_pair(std::int32_t left, std::int32_t right, std::int64_t count) {
  const auto found = pairs_.find(key_of(left, right));
  if (found != pairs_.end()) found->second.count -= count;
}

void PairMerger::push_changed() {
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  for (const auto key : changed_) {
    const auto found = pairs_.find(key);
    if (found == pairs_.end() || found->second.count < static_cast<std::int64_t>(options_.min_pair_count))
      continue;
    heap_.push({score_of(key, found->second.count), key});
  }
  changed_.clear();
}

std::optional<PairMerger::Pair> PairMerger::best() {
  while (!heap_.empty()) {
    const auto top = heap_.top();
    heap_.pop();
    const auto found = pairs_.find(top.key);
    if (found == pairs_.end() || found->second.count < static_cast<std::int64_t>(options_.min_pair_count))
      continue;
    const double score = score_of(top.key, found->second.count);
    if (score == top.score) {
      return Pair{static_cast<std::int32_t>(top.key >> 32), static_cast<std::int32_t>(top.key & 0xFFFFFFFFu)};
    }
    if (score < top.score) heap_.push({score, top.key});  // one that rose has a newer entry
  }
  return std::nullopt;
}

void PairMerger::join_in_word(std::uint32_t index, Pair pair, std::int32_t symbol) {
  auto& [symbols, unsigned_count] = words_[index];
  const auto count = static_cast<std::int64_t>(unsigned_count);
  const auto joins_at = [&](std::size_t i) {
    return i + 1 < symbols.size() && symbols[i] == pair.left && symbols[i + 1] == pair.right;
  };
  std::size_t first = 0;
  while (first < symbols.size() && !joins_at(first)) ++first;
  if (first == symbols.size()) return;
  std::vector<std::int32_t> joined(symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(first));
  for (std::size_t i = first; i < symbols.size();) {
    const bool joins = joins_at(i);
    joined.push_back(joins ? symbol : symbols[i]);
    i += joins ? 2 : 1;
  }
  // All pairs of the word out and in again: words are short, and overlaps (a a a) need no cases.
  for (std::size_t i = 1; i < symbols.size(); ++i) remove_pair(symbols[i - 1], symbols[i], count);
  for (std::size_t i = 1; i < joined.size(); ++i) {
    if (joined[i] == symbol || joined[i - 1] == symbol) {
      add_pair(joined[i - 1], joined[i], count, index);
    } else {
      pairs_[key_of(joined[i - 1], joined[i])].count += count;
    }
  }
  const auto times = static_cast<std::int64_t>(symbols.size() - joined.size());
  symbol_counts_[static_cast<std::size_t>(pair.left)] -= times * count;
  symbol_counts_[static_cast<std::size_t>(pair.right)] -= times * count;
  symbol_counts_[static_cast<std::size_t>(symbol)] += times * count;
  symbols = std::move(joined);
}

void PairMerger::join(Pair pair, std::int32_t symbol) {
  if (static_cast<std::size_t>(symbol) >= symbol_counts_.size()) {
    symbol_counts_.resize(static_cast<std::size_t>(symbol) + 1);
    if (!pairs_with_.empty()) pairs_with_.resize(symbol_counts_.size());
  }
  const auto found = pairs_.find(key_of(pair.left, pair.right));
  if (found == pairs_.end()) return;
  const auto words = std::move(found->second.words);
  for (const auto word : words) join_in_word(word, pair, symbol);
  pairs_.erase(key_of(pair.left, pair.right));
  if (!pairs_with_.empty()) {
    for (const auto part : {pair.left, pair.right, symbol}) {
      auto& keys = pairs_with_[static_cast<std::size_t>(part)];
      std::erase_if(keys, [&](std::uint64_t key) { return !pairs_.contains(key); });
      changed_.insert(changed_.end(), keys.begin(), keys.end());
    }
  }
  push_changed();
}

}  // namespace espalier
