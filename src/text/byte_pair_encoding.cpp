#include "text/byte_pair_encoding.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";

}  // namespace

BytePairEncoding::BytePairEncoding(Vocabulary vocabulary, const std::vector<Merge>& merges, Alphabet alphabet,
                                   const Unknown& unknown, WholeWords whole_words)
    : vocabulary_(std::move(vocabulary)),
      merges_(merges.size()),
      alphabet_(alphabet),
      unknown_(unknown),
      whole_words_(whole_words) {
  for (const Merge& merge : merges) merges_.add(merge.left, merge.right, {merge.rank, merge.symbol});
  for (int byte = 0; byte < 256; ++byte) {
    const bool is_symbol = alphabet == Alphabet::kBytes || byte < 128;
    byte_symbols_[static_cast<std::size_t>(byte)] =
        is_symbol ? find_piece(std::string(1, static_cast<char>(byte))) : -1;
  }
  find_cut();
}

std::int32_t BytePairEncoding::find_piece(const std::string& piece) const {
  const auto found = vocabulary_.find(piece);
  return found == vocabulary_.end() ? -1 : found->second;
}

// Vocabularies that mark spaces have one word per text, and seldom a piece that goes on past a mark: then no
// merge crosses from another character into a mark, and the parts between can be encoded, and remembered,
// one by one.
void BytePairEncoding::find_cut() {
  cut_at_marks_ = alphabet_ == Alphabet::kCharacters && vocabulary_.contains(std::string(kSpaceMark));
  if (!cut_at_marks_) return;
  for (const auto& [piece, id] : vocabulary_) {
    std::string_view rest = piece;
    while (rest.starts_with(kSpaceMark)) rest.remove_prefix(kSpaceMark.size());
    if (rest.find(kSpaceMark) != std::string_view::npos) {
      cut_at_marks_ = false;
      return;
    }
  }
}

void BytePairEncoding::encode(std::string_view word, WordCache& cache, std::vector<std::int32_t>& ids) const {
  if (whole_words_ == WholeWords::kLookUp) {
    const std::int32_t whole = find_piece(std::string(word));
    if (whole >= 0) {
      ids.push_back(whole);
      return;
    }
  }
  if (!cut_at_marks_) return encode_part(word, cache, ids);
  while (!word.empty()) {
    std::size_t end = 0;
    while (word.substr(end).starts_with(kSpaceMark)) end += kSpaceMark.size();
    end = std::min(word.find(kSpaceMark, end), word.size());
    encode_part(word.substr(0, end), cache, ids);
    word.remove_prefix(end);
  }
}

void BytePairEncoding::encode_part(std::string_view part, WordCache& cache,
                                   std::vector<std::int32_t>& ids) const {
  WordCache::Slot* slot = cache.slot(part);
  if (slot != nullptr && slot->holds(part)) {
    const auto known = slot->tokens_of();
    ids.insert(ids.end(), known.begin(), known.end());
    return;
  }
  const std::size_t before = ids.size();
  encode_anew(part, ids);
  if (slot != nullptr) WordCache::keep(*slot, part, std::span<const std::int32_t>(ids).subspan(before));
}

void BytePairEncoding::encode_anew(std::string_view part, std::vector<std::int32_t>& ids) const {
  std::vector<std::int32_t> symbols;
  symbols.reserve(part.size());
  character_symbols(part, symbols);
  merges_.join(symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

// An unknown piece is written before the next character that is known, so behind bytes that come between: the
// reference's order.
void BytePairEncoding::character_symbols(std::string_view word, std::vector<std::int32_t>& symbols) const {
  bool waiting = false;
  const auto write_unknown = [&] {
    if (waiting) symbols.push_back(unknown_.piece);
    waiting = false;
  };
  for (std::size_t at = 0; at < word.size();) {
    const bool one_byte = alphabet_ == Alphabet::kBytes || static_cast<std::uint8_t>(word[at]) < 128;
    const std::size_t bytes = one_byte ? 1 : decode_utf8(word, at).bytes;
    const std::string_view character = word.substr(at, bytes);
    at += bytes;
    const std::int32_t symbol = one_byte ? byte_symbols_[static_cast<std::uint8_t>(character[0])]
                                         : find_piece(std::string(character));
    if (symbol >= 0) {
      write_unknown();
      symbols.push_back(symbol);
    } else if (!byte_symbols(character, symbols)) {
      if (!unknown_.missing.empty()) {
        throw UserError(fmt::format("\"{}\" is no piece of the tokenizer, nor is its unk_token \"{}\"",
                                    character, unknown_.missing),
                        "add one of them to the vocabulary, or leave the text out");
      }
      if (!unknown_.fuse) write_unknown();
      waiting = unknown_.piece >= 0;
    }
  }
  write_unknown();
}

/// Its bytes' pieces, where the vocabulary has all of them.
bool BytePairEncoding::byte_symbols(std::string_view character, std::vector<std::int32_t>& symbols) const {
  if (!unknown_.has_byte_pieces) return false;
  const auto piece_of = [&](char byte) { return unknown_.byte_pieces[static_cast<std::uint8_t>(byte)]; };
  if (std::ranges::any_of(character, [&](char byte) { return piece_of(byte) < 0; })) return false;
  for (const char byte : character) symbols.push_back(piece_of(byte));
  return true;
}

}  // namespace espalier
