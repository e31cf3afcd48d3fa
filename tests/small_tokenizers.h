#pragma once

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "text/byte_alphabet.h"

namespace espalier::fixtures {

/// A byte-level tokenizer.json: the 256 bytes at ids 0 to 255, "ab", "abc" and " a" after them, and two added
/// tokens, <|end|> (special) and <tool>.
inline nlohmann::json byte_level_json() {
  nlohmann::json vocabulary;
  for (int byte = 0; byte < 256; ++byte) vocabulary[byte_letter(static_cast<std::uint8_t>(byte))] = byte;
  vocabulary["ab"] = 256;
  vocabulary["abc"] = 257;
  vocabulary["\u0120a"] = 258;
  const nlohmann::json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  return {{"added_tokens",
           {{{"id", 259}, {"content", "<|end|>"}, {"special", true}, {"normalized", false}},
            {{"id", 260}, {"content", "<tool>"}, {"special", false}, {"normalized", true}}}},
          {"normalizer", {{"type", "NFC"}}},
          {"pre_tokenizer", bytes},
          {"post_processor", bytes},
          {"decoder", bytes},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"a b", "ab c", "\u0120 a"}}}}};
}

/// Bytes of protocol-buffer messages.
class ProtoWriter {
 public:
  ProtoWriter& integer(int field, std::int64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  ProtoWriter& number(int field, float value) {
    varint((static_cast<std::uint64_t>(field) << 3) | 5u);
    char bytes[4];
    std::memcpy(bytes, &value, 4);
    bytes_.append(bytes, 4);
    return *this;
  }
  ProtoWriter& content(int field, std::string_view value) {
    varint((static_cast<std::uint64_t>(field) << 3) | 2u);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(0x80 | (value & 0x7F));
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

inline std::string sentence_piece(std::string_view text, float score, int type = 1) {
  return ProtoWriter().content(1, text).number(2, score).integer(3, type).bytes();
}

/// A tokenizer.model: <unk> 0, <s> 1, </s> 2, [INST] 3 (control), the 256 bytes from 4 on, then the mark 260,
/// "a" 261, "b" 262, mark "a" 263, "ab" 264.
inline std::string sentencepiece_model(bool byte_fallback = true, int algorithm = 2) {
  ProtoWriter model;
  model.content(1, sentence_piece("<unk>", 0, 2)).content(1, sentence_piece("<s>", 0, 3));
  model.content(1, sentence_piece("</s>", 0, 3)).content(1, sentence_piece("[INST]", 0, 3));
  for (int byte = 0; byte < 256; ++byte) {
    const char* digits = "0123456789ABCDEF";
    const std::string piece = std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">";
    model.content(1, sentence_piece(piece, 0, 6));
  }
  model.content(1, sentence_piece("\u2581", -3)).content(1, sentence_piece("a", -4));
  model.content(1, sentence_piece("b", -5))
      .content(1, sentence_piece("\u2581"
                                 "a",
                                 -2));
  model.content(1, sentence_piece("ab", -1));
  model.content(2, ProtoWriter().integer(3, algorithm).integer(35, byte_fallback ? 1 : 0).bytes());
  model.content(3, ProtoWriter().content(1, "identity").integer(3, 1).integer(4, 0).bytes());
  return model.bytes();
}

}  // namespace espalier::fixtures
