#include "text/vocabulary_text.h"

#include <algorithm>

namespace espalier {

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

std::string VocabularyText::decode(std::span<const std::int32_t> ids) const {
  std::vector<std::string> pieces;
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= size() || kinds_[static_cast<std::size_t>(id)] == Kind::kSpecial) continue;
    pieces.push_back(pieces_[static_cast<std::size_t>(id)]);
  }
  return decoder_.text(std::move(pieces));
}

std::string VocabularyText::piece(std::int32_t id) const {
  if (id < 0 || id >= size()) return {};
  const auto index = static_cast<std::size_t>(id);
  return kinds_[index] == Kind::kPiece ? decoder_.bytes_inside(pieces_[index]) : pieces_[index];
}

}  // namespace espalier
