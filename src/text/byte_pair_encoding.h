#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/merge_table.h"
#include "text/word_cache.h"

namespace espalier {

/// Byte-pair encoding of words (Sennrich et al. 2016): a word's characters (or bytes) are joined pair by
/// pair, in the order of the merges.
class BytePairEncoding {
 public:
  enum class Alphabet { kCharacters, kBytes };
  /// What becomes of a character outside the vocabulary. With no bytes and no unknown piece it is dropped.
  struct Unknown {
    std::array<std::int32_t, 256> byte_pieces{};  ///< the pieces "<0x00>" to "<0xFF>"; -1: none
    bool has_byte_pieces = false;
    std::int32_t piece = -1;  ///< -1: none
    std::string missing;      ///< its name where the vocabulary has no such piece: an error once it is needed
    bool fuse = false;        ///< several in a row are one
  };
  struct Merge {
    std::int32_t left = 0, right = 0, symbol = 0;
    std::uint32_t rank = 0;
  };
  using Vocabulary = std::unordered_map<std::string, std::int32_t>;

  /// `whole_words`: a word that is a piece stays one, whatever the merges say ("ignore_merges").
  enum class WholeWords { kMerge, kLookUp };

  /// With an alphabet of bytes the keys of `vocabulary` are bytes, not the letters that spell them.
  BytePairEncoding(Vocabulary vocabulary, const std::vector<Merge>& merges, Alphabet alphabet,
                   const Unknown& unknown, WholeWords whole_words);

  /// Appends the ids of one word.
  void encode(std::string_view word, WordCache& cache, std::vector<std::int32_t>& ids) const;

 private:
  void encode_part(std::string_view part, WordCache& cache, std::vector<std::int32_t>& ids) const;
  void encode_anew(std::string_view part, std::vector<std::int32_t>& ids) const;
  void character_symbols(std::string_view word, std::vector<std::int32_t>& symbols) const;
  bool byte_symbols(std::string_view character, std::vector<std::int32_t>& symbols) const;
  std::int32_t find_piece(const std::string& piece) const;
  void find_cut();

  Vocabulary vocabulary_;
  MergeTable merges_;
  Alphabet alphabet_;
  Unknown unknown_;
  WholeWords whole_words_;
  std::array<std::int32_t, 256> byte_symbols_{};  // of single bytes, or of ASCII characters
  bool cut_at_marks_ = false;
};

}  // namespace espalier
