#include "text/wordpiece_tokenizer.h"

#include "text/vocabulary_text.h"

namespace espalier {
namespace {

std::vector<AddedToken> special_tokens(const WordPiece& pieces) {
  std::vector<AddedToken> tokens;
  for (const std::int32_t id : {pieces.pad(), pieces.unk(), pieces.cls(), pieces.sep(), pieces.mask()}) {
    if (id < 0) continue;
    AddedToken token;
    token.id = id;
    token.content = pieces.piece(id);
    token.special = true;
    tokens.push_back(std::move(token));
  }
  return tokens;
}

class WordPieceTokenizer final : public Tokenizer {
 public:
  explicit WordPieceTokenizer(WordPiece pieces)
      : pieces_(std::move(pieces)),
        text_({pieces_.pieces().begin(), pieces_.pieces().end()}, special_tokens(pieces_),
              TokenDecoder({each_piece(word_piece_step("##", Cleanup::kPunctuation))})) {}

  std::vector<std::int32_t> encode(std::string_view text) const override { return pieces_.encode(text); }
  std::unique_ptr<TextStream> stream(TextPart part) const override { return text_.stream(part); }
  std::string piece(std::int32_t id) const override { return text_.piece(id); }
  std::int32_t vocabulary_size() const override { return pieces_.vocabulary_size(); }
  std::optional<std::int32_t> bos() const override { return some(pieces_.cls()); }
  std::optional<std::int32_t> eos() const override { return some(pieces_.sep()); }
  std::vector<std::int32_t> prefix() const override { return frame(pieces_.cls()); }
  std::vector<std::int32_t> suffix() const override { return frame(pieces_.sep()); }

 private:
  static std::optional<std::int32_t> some(std::int32_t id) {
    return id < 0 ? std::nullopt : std::optional(id);
  }
  static std::vector<std::int32_t> frame(std::int32_t id) {
    return id < 0 ? std::vector<std::int32_t>{} : std::vector{id};
  }

  WordPiece pieces_;
  VocabularyText text_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_wordpiece_tokenizer(WordPiece pieces) {
  return std::make_unique<WordPieceTokenizer>(std::move(pieces));
}

}  // namespace espalier
