#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// Where a piece stands that is turned into text: first in a text, whose space may be the tokenizer's own,
/// later in it, or somewhere inside of one that is not known.
enum class PiecePlace { kFirst, kLater, kInside };

/// Whether pieces are a text from its beginning, or go on with one that ended in whole characters.
enum class TextPart { kWhole, kContinuation };

/// A step from pieces to text that takes pieces one by one and hands on what later pieces cannot change. Has
/// the state of one text; `fresh` makes another one.
class DecoderStage {
 public:
  using Sink = std::function<void(std::string)>;

  virtual ~DecoderStage() = default;
  virtual std::unique_ptr<DecoderStage> fresh(TextPart part) const = 0;
  virtual void add(std::string piece, const Sink& next) = 0;
  virtual void finish(const Sink& next) = 0;
  /// What becomes of a piece inside of some text.
  virtual void inside(std::string& piece) const = 0;
};
using DecoderStages = std::vector<std::shared_ptr<const DecoderStage>>;

/// Each piece on its own.
using PieceStep = std::function<void(std::string& piece, PiecePlace place)>;
std::shared_ptr<const DecoderStage> each_piece(PieceStep step);
/// The text as a whole: nothing is handed on before its end.
std::shared_ptr<const DecoderStage> whole_text(PieceStep step);
/// Up to `most` times `content` at the beginning of the text.
std::shared_ptr<const DecoderStage> without_start(std::string content, std::size_t most);

/// "<0x0A>" to its byte. What of bytes that are no UTF-8 becomes U+FFFD: all of a run of byte pieces, which
/// is handed on at its end (Hugging Face's ByteFallback), or the bytes that belong to no character
/// (sentencepiece).
enum class BrokenBytes { kWholeRun, kEachByte };
std::shared_ptr<const DecoderStage> byte_pieces(BrokenBytes broken);

/// The byte of a piece "<0x0A>".
bool is_byte_piece(std::string_view piece, char& byte);

/// A text that grows by whole characters of well-formed UTF-8, as pieces come. What the parts say together,
/// the last of them from `finish`, is the text of all pieces.
class GrowingText {
 public:
  GrowingText(const DecoderStages& stages, TextPart part);
  std::string add(std::string piece);
  std::string finish();

 private:
  void pass(std::size_t stage, std::string piece, std::string& out);
  void finish_from(std::size_t stage, std::string& out);

  std::vector<std::unique_ptr<DecoderStage>> stages_;
  std::string held_;  // the beginning of a character
};

}  // namespace espalier
