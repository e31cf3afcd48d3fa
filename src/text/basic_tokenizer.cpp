#include "text/basic_tokenizer.h"

#include <algorithm>

namespace espalier {
namespace {

constexpr std::size_t kMostBytesPerEntry = 16;  // a folded code point: three characters of up to four bytes

}  // namespace

BasicTokenizer::BasicTokenizer(const BasicTokenizerOptions& options)
    : table_(&CharacterTable::of(options.characters)),
      split_cjk_(options.split_cjk),
      max_characters_(static_cast<std::size_t>(std::max(options.max_word_characters, 1))),
      word_(max_characters_ * kMostBytesPerEntry, '\0') {
  for (int byte = 0; byte < 256; ++byte) {
    ascii_[byte] = kOtherByte;
    if (byte >= 128) continue;
    const auto& entry = (*table_)[static_cast<std::uint32_t>(byte)];
    if (entry.kind == CharacterKind::kSpace) ascii_[byte] = kSpaceByte;
    if (entry.kind == CharacterKind::kRemoved) ascii_[byte] = kRemovedByte;
    if (entry.kind == CharacterKind::kPunctuation) ascii_[byte] = kPunctuationByte;
    if (entry.kind == CharacterKind::kWord &&
        byte > kOtherByte) {  // a control that is kept takes the long way
      ascii_[byte] = static_cast<std::uint8_t>(entry.text_bytes == 0 ? byte : table_->text(entry)[0]);
    }
  }
}

void BasicTokenizer::append(std::string_view utf8, std::uint32_t characters) {
  characters_ += characters;
  if (characters_ > max_characters_) return;
  std::copy(utf8.begin(), utf8.end(), word_.begin() + static_cast<std::ptrdiff_t>(bytes_));
  bytes_ += utf8.size();
}

}  // namespace espalier
