#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/piece_trie.h"

namespace espalier {

/// WordPiece for one word: greedy longest match first; a word with a part that no piece matches is unknown as
/// a whole (Devlin et al. 2018, reference `tokenization.py`).
class WordPieceModel {
 public:
  /// `pieces[i]` has id i; a piece that begins with `continuation` goes on inside a word.
  WordPieceModel(std::span<const std::string> pieces, std::int32_t unknown,
                 std::string_view continuation = "##")
      : trie_(pieces, continuation), unknown_(unknown) {}

  /// Appends the ids of a word.
  void encode(std::string_view word, std::vector<std::int32_t>& ids) const {
    const auto before = ids.size();
    auto position = PieceTrie::Position::kWordStart;
    while (!word.empty()) {
      const auto match = trie_.longest_prefix(word, position);
      if (match.bytes == 0) {
        ids.resize(before);
        ids.push_back(unknown_);
        return;
      }
      ids.push_back(match.id);
      word.remove_prefix(match.bytes);
      position = PieceTrie::Position::kContinuation;
    }
  }
  std::int32_t unknown() const { return unknown_; }

 private:
  PieceTrie trie_;
  std::int32_t unknown_;
};

}  // namespace espalier
