#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// What BERT's basic tokenizer does with a code point.
enum class CharacterKind : std::uint8_t {
  kWord,         ///< part of a word
  kSpace,        ///< ends a word: \t \n \r, categories Zs, Zl, Zp
  kPunctuation,  ///< a word of its own: ASCII symbols and categories P*
  kIdeograph,    ///< CJK ideograph: a word of its own where the tokenizer splits CJK
  kRemoved,      ///< U+0000, U+FFFD, categories Cc and Cf; with lower-casing also Mn
  kSigma,        ///< U+03A3, whose lower case depends on its neighbours
};

/// Per code point: its kind and, where that differs from itself, what it becomes (lower case, canonical
/// decomposition, marks of category Mn stripped). Computed once from ICU, then a lookup.
class CharacterTable {
 public:
  struct Entry {
    std::uint32_t text_offset = 0;
    std::uint8_t text_bytes = 0;  ///< 0: the code point itself
    std::uint8_t characters = 1;
    CharacterKind kind = CharacterKind::kWord;
    bool keeps_mark = false;  ///< contributes a combining mark that canonical ordering may move
  };

  static const CharacterTable& lower_casing();
  static const CharacterTable& case_preserving();

  const Entry& operator[](std::uint32_t code_point) const {
    return entries_[page_of_[code_point >> 8] * 256u + (code_point & 255u)];
  }
  std::string_view text(const Entry& entry) const {
    return std::string_view(pool_).substr(entry.text_offset, entry.text_bytes);
  }

 private:
  enum class Casing { kLower, kPreserve };
  explicit CharacterTable(Casing casing);
  Entry make_entry(std::uint32_t code_point, Casing casing);

  std::vector<std::uint16_t> page_of_;  // equal pages are stored once
  std::vector<Entry> entries_;
  std::string pool_;
};

/// Whether the reference `_is_punctuation` holds.
bool is_bert_punctuation(std::uint32_t code_point);
bool is_cjk_ideograph(std::uint32_t code_point);

/// `word` (UTF-8) with its combining marks in canonical order.
std::string canonical_order(std::string_view word);

/// The lower case of a capital sigma at `position` of `text`: U+03C2 at a word's end (Unicode 15, table 3-17,
/// Final_Sigma), else U+03C3. The context ends at spaces and, if `ideographs_split`, at ideographs.
std::uint32_t lower_case_sigma(std::string_view text, std::size_t position, bool ideographs_split);

}  // namespace espalier
