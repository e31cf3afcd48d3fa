#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// What a tokenizer.model (sentencepiece) holds, as far as byte-pair encoding needs it.
struct SentencePieceModel {
  enum class PieceType { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
  enum class Algorithm { kUnigram = 1, kBpe, kWord, kCharacter };
  struct Piece {
    std::string text;
    float score = 0.0f;  ///< higher joins first
    PieceType type = PieceType::kNormal;
  };

  std::vector<Piece> pieces;  ///< by id
  Algorithm algorithm = Algorithm::kUnigram;
  bool byte_fallback = false;
  std::int32_t unknown_id = 0, bos_id = 1, eos_id = 2;  ///< -1: none
  std::string normalizer;                               ///< its name
  bool has_character_map = false;                       ///< the normalizer changes characters
  bool add_dummy_prefix = true;                         ///< a space in front of the text
  bool remove_extra_spaces = true;                      ///< at both ends, and several in a row
  bool escape_spaces = true;                            ///< as U+2581
  bool space_is_suffix = false;
};

/// Reads the protocol-buffer message (sentencepiece_model.proto; fields not named there are passed over).
/// Throws UserError beginning with `name` and a byte position where the bytes are no such message.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& name);

}  // namespace espalier
