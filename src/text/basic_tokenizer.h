#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "text/character_table.h"
#include "text/utf8.h"

namespace espalier {

struct BasicTokenizerOptions {
  CharacterRules characters;
  bool split_cjk = true;
  int max_word_characters = 100;
};

/// Splits text into words as BERT's `BasicTokenizer`: cleaned, accents stripped and lower-cased (by rule),
/// split at spaces, punctuation and CJK ideographs. Ill-formed UTF-8 is dropped.
///
/// `Sink` has `word(std::string_view utf8)` and `long_word()`, called in place of `word` for one with more
/// than `max_word_characters` characters. Not for use by two threads at once (it keeps the word being read).
class BasicTokenizer {
 public:
  explicit BasicTokenizer(const BasicTokenizerOptions& options);

  template <class Sink>
  void split(std::string_view text, Sink&& sink);

 private:
  template <class Sink>
  std::size_t take_code_point(std::string_view text, std::size_t position, Sink& sink);
  template <class Sink>
  void end_word(Sink& sink);
  void append(std::string_view utf8, std::uint32_t characters);

  // Lower-cased byte for ASCII word characters, else one of these:
  static constexpr std::uint8_t kSpaceByte = 1, kPunctuationByte = 2, kRemovedByte = 3, kOtherByte = 4;

  const CharacterTable* table_;
  bool split_cjk_;
  std::size_t max_characters_;
  std::uint8_t ascii_[256];
  std::string word_;  // buffer of fixed size; the word is its first bytes_ bytes
  std::size_t bytes_ = 0;
  std::size_t characters_ = 0;  // counts on past the limit, where nothing more is stored
  bool reorder_ = false;
};

template <class Sink>
inline void BasicTokenizer::end_word(Sink& sink) {
  if (characters_ == 0) return;
  if (characters_ > max_characters_) {
    sink.long_word();
  } else if (reorder_) {
    sink.word(canonical_order(std::string_view(word_).substr(0, bytes_)));
  } else {
    sink.word(std::string_view(word_.data(), bytes_));
  }
  bytes_ = characters_ = 0;
  reorder_ = false;
}

template <class Sink>
std::size_t BasicTokenizer::take_code_point(std::string_view text, std::size_t position, Sink& sink) {
  const auto step = decode_utf8(text, position);
  if (!step.valid) return step.bytes;
  const auto& entry = (*table_)[step.code_point];
  const auto own = text.substr(position, step.bytes);
  const auto mapped = entry.text_bytes == 0 ? own : table_->text(entry);
  switch (entry.kind) {
    case CharacterKind::kRemoved:
      break;
    case CharacterKind::kSpace:
      end_word(sink);
      break;
    case CharacterKind::kIdeograph:
      if (!split_cjk_) {
        append(mapped, entry.characters);
        break;
      }
      [[fallthrough]];
    case CharacterKind::kPunctuation:
      end_word(sink);
      append(mapped, entry.characters);
      end_word(sink);
      break;
    case CharacterKind::kWord:
      append(mapped, entry.characters);
      reorder_ |= entry.keeps_mark;
      break;
  }
  return step.bytes;
}

template <class Sink>
void BasicTokenizer::split(std::string_view text, Sink&& sink) {
  std::size_t position = 0;
  while (position < text.size()) {
    const std::uint8_t byte = static_cast<std::uint8_t>(text[position]);
    const std::uint8_t mapped = ascii_[byte];
    if (mapped > kOtherByte) {
      if (characters_++ < max_characters_) word_[bytes_++] = static_cast<char>(mapped);
      ++position;
    } else if (mapped == kSpaceByte) {
      end_word(sink);
      ++position;
    } else if (mapped == kPunctuationByte) {
      end_word(sink);
      sink.word(text.substr(position, 1));
      ++position;
    } else {
      position += take_code_point(text, position, sink);
    }
  }
  end_word(sink);
}

}  // namespace espalier
