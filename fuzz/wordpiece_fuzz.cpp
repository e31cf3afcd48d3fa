#include "text/wordpiece.h"

#include <cstdlib>

#include "text/utf8.h"

namespace {

using espalier::WordPiece;

WordPiece tokenizer(WordPiece::Options options) {
  options.max_word_characters = 12;
  return WordPiece::from_pieces({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "ab", "##a", "##b",
                                 "##ba", "é", "##\u0301", "中", "!", "[", "]", "##\U0001F600"},
                                options);
}

}  // namespace

// Whatever the bytes: ids of the vocabulary, the same for bytes that are not UTF-8 as for U+FFFD in their
// place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Special = WordPiece::SpecialTokens;
  static const WordPiece tokenizers[] = {
      tokenizer({.special_tokens = Special::kAsText}), tokenizer({.special_tokens = Special::kRecognized}),
      tokenizer({.lower_case = false, .special_tokens = Special::kAsText}),
      tokenizer({.split_cjk = false, .special_tokens = Special::kRecognized})};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string replaced = espalier::replace_invalid_utf8(text);
  for (const WordPiece& wordpiece : tokenizers) {
    const auto ids = wordpiece.encode(text);
    if (ids.size() > size) std::abort();  // a piece takes at least a byte
    for (const std::int32_t id : ids) {
      if (id < 0 || id >= wordpiece.vocabulary_size()) std::abort();
    }
    if (wordpiece.encode(replaced) != ids) std::abort();
  }
  return 0;
}
