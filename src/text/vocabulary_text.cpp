#include "text/vocabulary_text.h"

#include <algorithm>

namespace espalier {
namespace {

class VocabularyStream final : public TextStream {
 public:
  VocabularyStream(const VocabularyText& vocabulary, GrowingText text)
      : vocabulary_(vocabulary), text_(std::move(text)) {}
  std::string add(std::int32_t id) override {
    const std::string* piece = vocabulary_.shown_piece(id);
    return piece == nullptr ? std::string() : text_.add(*piece);
  }
  std::string finish() override { return text_.finish(); }

 private:
  const VocabularyText& vocabulary_;
  GrowingText text_;
};

}  // namespace

VocabularyText::VocabularyText(std::vector<std::string> pieces, std::span<const AddedToken> added,
                               TokenDecoder decoder)
    : pieces_(std::move(pieces)), decoder_(std::move(decoder)) {
  for (const AddedToken& token : added) {
    const auto size = static_cast<std::size_t>(token.id) + 1;
    if (pieces_.size() < size) pieces_.resize(size);
  }
  kinds_.resize(pieces_.size(), Kind::kPiece);
  for (const AddedToken& token : added) {
    const auto id = static_cast<std::size_t>(token.id);
    pieces_[id] = token.content;
    kinds_[id] = token.special ? Kind::kSpecial : Kind::kAdded;
  }
}

const std::string* VocabularyText::shown_piece(std::int32_t id) const {
  if (id < 0 || id >= size()) return nullptr;
  const auto index = static_cast<std::size_t>(id);
  const bool left_out = kinds_[index] == Kind::kSpecial || pieces_[index].empty();
  return left_out ? nullptr : &pieces_[index];
}

std::unique_ptr<TextStream> VocabularyText::stream(TextPart part) const {
  return std::make_unique<VocabularyStream>(*this, decoder_.start(part));
}

std::string VocabularyText::piece(std::int32_t id) const {
  if (id < 0 || id >= size()) return {};
  const auto index = static_cast<std::size_t>(id);
  return kinds_[index] == Kind::kPiece ? decoder_.bytes_inside(pieces_[index]) : pieces_[index];
}

}  // namespace espalier
