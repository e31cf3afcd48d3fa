#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/token_decoder.h"
#include "text/tokenizer.h"

namespace espalier {

/// The way back from ids to text: pieces by id, which of them are special, and the decoder.
class VocabularyText {
 public:
  VocabularyText(std::vector<std::string> pieces, std::span<const AddedToken> added, TokenDecoder decoder);

  /// Ids that are special or no piece's are left out.
  std::unique_ptr<TextStream> stream(TextPart part) const;
  const std::string* shown_piece(std::int32_t id) const;  ///< none for what is left out
  /// Empty for an id that is no piece's; an added token as it is written.
  std::string piece(std::int32_t id) const;
  std::int32_t size() const { return static_cast<std::int32_t>(pieces_.size()); }

 private:
  enum class Kind : std::uint8_t { kPiece, kAdded, kSpecial };
  std::vector<std::string> pieces_;
  std::vector<Kind> kinds_;
  TokenDecoder decoder_;
};

}  // namespace espalier
