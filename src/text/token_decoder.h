#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "text/decoder_stages.h"

namespace espalier {

/// The "decoder" of a tokenizer.json: pieces of a vocabulary to text.
class TokenDecoder {
 public:
  /// null: pieces are joined with spaces. Throws UserError beginning with `where` for a component or option
  /// that is not known.
  TokenDecoder(const nlohmann::json& component, const std::string& where);
  explicit TokenDecoder(DecoderStages stages) : stages_(std::move(stages)) {}

  /// For the pieces of one text in turn.
  GrowingText start(TextPart part) const { return GrowingText(stages_, part); }
  /// Bytes of one piece, which may be part of a character.
  std::string bytes_inside(std::string piece) const;

 private:
  DecoderStages stages_;
};

/// Steps that other tokenizers share: the mark U+2581 to a space (those of the first piece left out where the
/// tokenizer put it there).
enum class FirstSpace { kOwn, kOfText };
PieceStep space_mark_step(std::string mark, FirstSpace first);
/// WordPiece: "##" joins, other pieces have a space in front; `clean` takes it away before punctuation.
enum class Cleanup { kNone, kPunctuation };
PieceStep word_piece_step(std::string prefix, Cleanup cleanup);

}  // namespace espalier
