#include "text/character_table.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <array>
#include <map>

#include "base/error.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::uint32_t kCapitalSigma = 0x03A3;

const icu::Normalizer2& nfd() {
  static const icu::Normalizer2& instance = [&]() -> const icu::Normalizer2& {
    UErrorCode status = U_ZERO_ERROR;
    const auto* found = icu::Normalizer2::getNFDInstance(status);
    if (U_FAILURE(status) || found == nullptr) throw InternalError("ICU offers no NFD normalizer");
    return *found;
  }();
  return instance;
}

bool is_removed(std::uint32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  const auto category = u_charType(static_cast<UChar32>(c));
  return c == 0 || c == 0xFFFD || category == U_CONTROL_CHAR || category == U_FORMAT_CHAR;
}

// Zl and Zp are spaces too: the reference splits with Python's str.split().
bool is_space(std::uint32_t c) {
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return true;
  const auto category = u_charType(static_cast<UChar32>(c));
  return category == U_SPACE_SEPARATOR || category == U_LINE_SEPARATOR || category == U_PARAGRAPH_SEPARATOR;
}

// Lower case, NFD, without Mn: `text.lower()` and `_run_strip_accents` of the reference.
icu::UnicodeString fold(std::uint32_t c) {
  icu::UnicodeString text(static_cast<UChar32>(c));
  if (u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CHANGES_WHEN_LOWERCASED)) {
    text.toLower(icu::Locale::getRoot());
  }
  UErrorCode status = U_ZERO_ERROR;
  const auto decomposed = nfd().normalize(text, status);
  if (U_FAILURE(status)) throw InternalError("ICU cannot decompose a code point");
  icu::UnicodeString out;
  for (std::int32_t i = 0; i < decomposed.length(); i = decomposed.moveIndex32(i, 1)) {
    const auto part = decomposed.char32At(i);
    if (u_charType(part) != U_NON_SPACING_MARK) out.append(part);
  }
  return out;
}

// Most code points: unassigned or of private use. They have no decomposition, case or other kind.
bool stays_a_word(std::uint32_t c) {
  const auto category = u_charType(static_cast<UChar32>(c));
  return (category == U_UNASSIGNED || category == U_PRIVATE_USE_CHAR) && !is_cjk_ideograph(c);
}

bool folds_to_itself(std::uint32_t c) {
  const auto point = static_cast<UChar32>(c);
  return u_charType(point) != U_NON_SPACING_MARK &&
         !u_hasBinaryProperty(point, UCHAR_CHANGES_WHEN_LOWERCASED) && nfd().isInert(point);
}

CharacterKind kind_of(std::uint32_t c) {
  if (is_removed(c)) return CharacterKind::kRemoved;
  if (is_space(c)) return CharacterKind::kSpace;
  if (is_cjk_ideograph(c)) return CharacterKind::kIdeograph;
  if (is_bert_punctuation(c)) return CharacterKind::kPunctuation;
  return CharacterKind::kWord;
}

bool is_cased(std::uint32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASED);
}

enum class Context { kCased, kEnd, kTransparent };

Context sigma_context(std::uint32_t c, bool ideographs_split) {
  const auto kind = kind_of(c);
  if (kind == CharacterKind::kRemoved) return Context::kTransparent;
  if (kind == CharacterKind::kSpace) return Context::kEnd;
  if (kind == CharacterKind::kIdeograph && ideographs_split) return Context::kEnd;
  if (u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASE_IGNORABLE)) return Context::kTransparent;
  return is_cased(c) ? Context::kCased : Context::kEnd;
}

bool cased_before(std::string_view text, std::size_t position, bool ideographs_split) {
  while (position > 0) {
    --position;
    while (position > 0 && (static_cast<std::uint8_t>(text[position]) & 0xC0u) == 0x80u) --position;
    const auto step = decode_utf8(text, position);
    if (!step.valid) continue;  // ill-formed bytes are removed
    const auto context = sigma_context(step.code_point, ideographs_split);
    if (context != Context::kTransparent) return context == Context::kCased;
  }
  return false;
}

bool cased_after(std::string_view text, std::size_t position, bool ideographs_split) {
  while (position < text.size()) {
    const auto step = decode_utf8(text, position);
    position += step.bytes;
    if (!step.valid) continue;
    const auto context = sigma_context(step.code_point, ideographs_split);
    if (context != Context::kTransparent) return context == Context::kCased;
  }
  return false;
}

}  // namespace

bool is_bert_punctuation(std::uint32_t c) {
  if ((c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126))
    return true;
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & U_GC_P_MASK) != 0;
}

bool is_cjk_ideograph(std::uint32_t c) {
  static constexpr std::array<std::array<std::uint32_t, 2>, 8> kRanges = {{{0x4E00, 0x9FFF},
                                                                           {0x3400, 0x4DBF},
                                                                           {0x20000, 0x2A6DF},
                                                                           {0x2A700, 0x2B73F},
                                                                           {0x2B740, 0x2B81F},
                                                                           {0x2B820, 0x2CEAF},
                                                                           {0xF900, 0xFAFF},
                                                                           {0x2F800, 0x2FA1F}}};
  for (const auto& [first, last] : kRanges) {
    if (c >= first && c <= last) return true;
  }
  return false;
}

std::string canonical_order(std::string_view word) {
  UErrorCode status = U_ZERO_ERROR;
  const auto piece = icu::StringPiece(word.data(), static_cast<std::int32_t>(word.size()));
  const auto ordered = nfd().normalize(icu::UnicodeString::fromUTF8(piece), status);
  if (U_FAILURE(status)) throw InternalError("ICU cannot order a word's marks");
  std::string out;
  return ordered.toUTF8String(out);
}

std::uint32_t lower_case_sigma(std::string_view text, std::size_t position, bool ideographs_split) {
  const bool final =
      cased_before(text, position, ideographs_split) && !cased_after(text, position + 2, ideographs_split);
  return final ? 0x03C2 : 0x03C3;
}

CharacterTable::Entry CharacterTable::make_entry(std::uint32_t c, Casing casing) {
  Entry entry;
  if (stays_a_word(c)) return entry;
  entry.kind = kind_of(c);
  if (casing == Casing::kPreserve) return entry;
  if (c == kCapitalSigma) {
    entry.kind = CharacterKind::kSigma;
    return entry;
  }
  const bool cleaned = entry.kind == CharacterKind::kRemoved || entry.kind == CharacterKind::kSpace;
  if (cleaned || folds_to_itself(c)) return entry;
  const auto folded = fold(c);
  if (folded.isEmpty()) {
    entry.kind = CharacterKind::kRemoved;
    return entry;
  }
  entry.characters = static_cast<std::uint8_t>(folded.countChar32());
  const auto first = static_cast<std::uint32_t>(folded.char32At(0));
  if (entry.kind == CharacterKind::kWord && is_bert_punctuation(first)) {
    // U+2260 and its like decompose to an ASCII symbol and a mark; the reference splits after folding.
    if (entry.characters != 1) throw InternalError("a code point folds to punctuation and more");
    entry.kind = CharacterKind::kPunctuation;
  }
  for (std::int32_t i = 0; i < folded.length(); i = folded.moveIndex32(i, 1)) {
    entry.keeps_mark |= u_getCombiningClass(folded.char32At(i)) != 0;
  }
  if (first == c && entry.characters == 1) return entry;
  std::string utf8;
  folded.toUTF8String(utf8);
  entry.text_offset = static_cast<std::uint32_t>(pool_.size());
  entry.text_bytes = static_cast<std::uint8_t>(utf8.size());
  pool_ += utf8;
  return entry;
}

CharacterTable::CharacterTable(Casing casing) {
  static_assert(sizeof(Entry) == 8, "pages are compared byte by byte, so entries have no padding");
  std::map<std::string, std::uint16_t> known;  // a page's bytes
  page_of_.resize(kCodePoints / 256);
  for (std::uint32_t page = 0; page < page_of_.size(); ++page) {
    std::array<Entry, 256> entries;
    for (std::uint32_t i = 0; i < 256; ++i) entries[i] = make_entry(page * 256 + i, casing);
    std::string content(reinterpret_cast<const char*>(entries.data()), sizeof(entries));
    const auto next = static_cast<std::uint16_t>(entries_.size() / 256);
    const auto [found, is_new] = known.try_emplace(std::move(content), next);
    if (is_new) entries_.insert(entries_.end(), entries.begin(), entries.end());
    page_of_[page] = found->second;
  }
}

const CharacterTable& CharacterTable::lower_casing() {
  static const CharacterTable table(Casing::kLower);
  return table;
}

const CharacterTable& CharacterTable::case_preserving() {
  static const CharacterTable table(Casing::kPreserve);
  return table;
}

}  // namespace espalier
