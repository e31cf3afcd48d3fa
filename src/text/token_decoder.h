#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace espalier {

/// The "decoder" of a tokenizer.json: pieces of a vocabulary to text.
class TokenDecoder {
 public:
  /// Whether the pieces are a text, whose first space may be the tokenizer's own, or lie somewhere inside.
  enum class Place { kWhole, kInside };
  /// Changes the pieces, or joins them.
  using Step = std::function<void(std::vector<std::string>& pieces, Place place)>;

  /// null: pieces are joined with spaces. Throws UserError beginning with `where` for a component or option
  /// that is not known.
  TokenDecoder(const nlohmann::json& component, const std::string& where);
  explicit TokenDecoder(std::vector<Step> steps) : steps_(std::move(steps)) {}

  /// Well-formed UTF-8: what is not becomes U+FFFD.
  std::string text(std::vector<std::string> pieces) const;
  /// Bytes of one piece, which may be part of a character.
  std::string bytes_inside(std::string piece) const;

 private:
  std::vector<Step> steps_;
};

/// Steps that other tokenizers share: "<0x0A>" to its byte, the mark U+2581 to a space (the first of a whole
/// text left out where the tokenizer put it there).
TokenDecoder::Step byte_piece_step();
enum class FirstSpace { kOwn, kOfText };
TokenDecoder::Step space_mark_step(std::string mark, FirstSpace first);
/// WordPiece: "##" joins, other pieces have a space in front; `clean` takes it away before punctuation.
enum class Cleanup { kNone, kPunctuation };
TokenDecoder::Step word_piece_step(std::string prefix, Cleanup cleanup);

/// The byte of a piece "<0x0A>".
bool is_byte_piece(std::string_view piece, char& byte);

}  // namespace espalier
