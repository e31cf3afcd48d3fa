#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// What BERT's normalizer does to characters (Hugging Face's BertNormalizer).
struct CharacterRules {
  bool clean = true;          ///< takes controls, formats and private use away
  bool strip_accents = true;  ///< canonical decomposition without marks of category Mn
  bool lower_case = true;
};

/// What BERT's basic tokenizer does with a code point.
enum class CharacterKind : std::uint8_t {
  kWord,         ///< part of a word
  kSpace,        ///< ends a word: \t \n \r, categories Z*
  kPunctuation,  ///< a word of its own: ASCII symbols and categories P*
  kIdeograph,    ///< CJK ideograph: a word of its own where the tokenizer splits CJK
  kRemoved,      ///< U+0000, U+FFFD, categories Cc, Cf and Co where texts are cleaned; Mn with accents
};

/// Per code point: its kind and, where that differs from itself, what it becomes. Computed once for each set
/// of rules from Unicode's tables, then a lookup.
class CharacterTable {
 public:
  struct Entry {
    std::uint32_t text_offset = 0;
    std::uint8_t text_bytes = 0;  ///< 0: the code point itself
    std::uint8_t characters = 1;
    CharacterKind kind = CharacterKind::kWord;
    bool keeps_mark = false;  ///< contributes a combining mark that canonical ordering may move
  };

  static const CharacterTable& of(const CharacterRules& rules);

  const Entry& operator[](std::uint32_t code_point) const {
    return entries_[page_of_[code_point >> 8] * 256u + (code_point & 255u)];
  }
  std::string_view text(const Entry& entry) const {
    return std::string_view(pool_).substr(entry.text_offset, entry.text_bytes);
  }

 private:
  explicit CharacterTable(const CharacterRules& rules);
  Entry make_entry(std::uint32_t code_point, const CharacterRules& rules);

  std::vector<std::uint16_t> page_of_;  // equal pages are stored once
  std::vector<Entry> entries_;
  std::string pool_;
};

/// Accents away, then lower case, as the rules say: the order of Hugging Face's BertNormalizer.
std::string fold(const std::string& text, const CharacterRules& rules);

/// Whether the reference (Hugging Face's BertPreTokenizer) makes it a word of its own.
bool is_bert_punctuation(std::uint32_t code_point);
/// The reference's ranges; the last but two begins at U+2B920, not at U+2B820 as Unicode's block does.
bool is_cjk_ideograph(std::uint32_t code_point);
/// Whether cleaning takes it away.
bool is_bert_removed(std::uint32_t code_point);

/// `word` (UTF-8) with its combining marks in canonical order.
std::string canonical_order(std::string_view word);

}  // namespace espalier
