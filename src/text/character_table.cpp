#include "text/character_table.h"

#include <array>
#include <map>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace espalier {
namespace {

CharacterKind kind_of(std::uint32_t c, const CharacterRules& rules) {
  if (rules.clean && is_bert_removed(c)) return CharacterKind::kRemoved;
  if (is_white_space(c)) return CharacterKind::kSpace;
  if (is_cjk_ideograph(c)) return CharacterKind::kIdeograph;
  if (is_bert_punctuation(c)) return CharacterKind::kPunctuation;
  return CharacterKind::kWord;
}

}  // namespace

bool is_bert_removed(std::uint32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  const auto category = general_category(c);
  return c == 0 || c == 0xFFFD || category == "Cc" || category == "Cf" || category == "Co";
}

bool is_bert_punctuation(std::uint32_t c) {
  if ((c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126))
    return true;
  return general_category(c).front() == 'P';
}

bool is_cjk_ideograph(std::uint32_t c) {
  static constexpr std::array<std::array<std::uint32_t, 2>, 8> kRanges = {{{0x4E00, 0x9FFF},
                                                                           {0x3400, 0x4DBF},
                                                                           {0x20000, 0x2A6DF},
                                                                           {0x2A700, 0x2B73F},
                                                                           {0x2B740, 0x2B81F},
                                                                           {0x2B920, 0x2CEAF},
                                                                           {0xF900, 0xFAFF},
                                                                           {0x2F800, 0x2FA1F}}};
  for (const auto& [first, last] : kRanges) {
    if (c >= first && c <= last) return true;
  }
  return false;
}

std::string canonical_order(std::string_view word) {
  return normalized(word, NormalForm::kNfd);
}

CharacterTable::Entry CharacterTable::make_entry(std::uint32_t c, const CharacterRules& rules) {
  Entry entry;
  const auto category = general_category(c);
  const bool no_character = category == "Cn" || category == "Cs";  // most of them
  if (no_character && !is_cjk_ideograph(c)) return entry;
  entry.kind = kind_of(c, rules);
  if (entry.kind == CharacterKind::kRemoved || entry.kind == CharacterKind::kSpace) return entry;
  std::string character;
  append_utf8(character, c);
  const std::string folded = fold(character, rules);
  if (folded.empty()) {
    entry.kind = CharacterKind::kRemoved;
    return entry;
  }
  entry.characters = 0;
  for (std::size_t at = 0; at < folded.size(); ++entry.characters) {
    const auto step = decode_utf8(folded, at);
    entry.keeps_mark |= rules.strip_accents && combining_class(step.code_point) != 0;
    at += step.bytes;
  }
  const std::uint32_t first = decode_utf8(folded, 0).code_point;
  if (entry.kind == CharacterKind::kWord && is_bert_punctuation(first)) {
    // U+2260 and its like decompose to an ASCII symbol and a mark; the reference splits after folding.
    if (entry.characters != 1) throw InternalError("a code point folds to punctuation and more");
    entry.kind = CharacterKind::kPunctuation;
  }
  if (first == c && entry.characters == 1) return entry;
  entry.text_offset = static_cast<std::uint32_t>(pool_.size());
  entry.text_bytes = static_cast<std::uint8_t>(folded.size());
  pool_ += folded;
  return entry;
}

CharacterTable::CharacterTable(const CharacterRules& rules) {
  static_assert(sizeof(Entry) == 8, "pages are compared byte by byte, so entries have no padding");
  std::map<std::string, std::uint16_t> known;  // a page's bytes
  page_of_.resize(kCodePoints / 256);
  for (std::uint32_t page = 0; page < page_of_.size(); ++page) {
    std::array<Entry, 256> entries;
    for (std::uint32_t i = 0; i < 256; ++i) entries[i] = make_entry(page * 256 + i, rules);
    std::string content(reinterpret_cast<const char*>(entries.data()), sizeof(entries));
    const auto next = static_cast<std::uint16_t>(entries_.size() / 256);
    const auto [found, is_new] = known.try_emplace(std::move(content), next);
    if (is_new) entries_.insert(entries_.end(), entries.begin(), entries.end());
    page_of_[page] = found->second;
  }
}

const CharacterTable& CharacterTable::of(const CharacterRules& rules) {
  static std::array<std::unique_ptr<const CharacterTable>, 8> tables;
  static std::array<std::once_flag, 8> made;
  const std::size_t which =
      (rules.clean ? 1U : 0U) + (rules.strip_accents ? 2U : 0U) + (rules.lower_case ? 4U : 0U);
  std::call_once(made[which], [&] { tables[which].reset(new CharacterTable(rules)); });
  return *tables[which];
}

std::string fold(const std::string& text, const CharacterRules& rules) {
  const std::string marked = rules.strip_accents ? normalized(text, NormalForm::kNfd) : text;
  std::string out;
  for (std::size_t at = 0; at < marked.size();) {
    const auto step = decode_utf8(marked, at);
    at += step.bytes;
    if (rules.strip_accents && general_category(step.code_point) == "Mn") continue;
    rules.lower_case ? append_lower_case(out, step.code_point) : append_utf8(out, step.code_point);
  }
  return out;
}

}  // namespace espalier
