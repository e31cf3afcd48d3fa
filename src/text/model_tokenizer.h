#pragma once

#include <filesystem>

#include "text/wordpiece.h"

namespace espalier {

enum class LetterCase { kAsTrained, kKeep };

/// The tokenizer of an encoder's folder, or of a file itself: a tokenizer.json, else a vocab.txt with the
/// settings beside it (text/tokenizer_config.h). `letter_case` is a vocab.txt's. Throws UserError where there
/// is no tokenizer.
WordPiece load_tokenizer(const std::filesystem::path& model_or_file,
                         LetterCase letter_case = LetterCase::kAsTrained,
                         WordPiece::SpecialTokens special_tokens = WordPiece::SpecialTokens::kAsText);

/// Copies what `load_tokenizer` read, so that the model in `folder` has its tokenizer beside it, and says how
/// many tokens that model takes.
void copy_tokenizer(const std::filesystem::path& model_or_file, const std::filesystem::path& folder);

/// Throws UserError where the tokenizer's vocabulary lacks the piece.
std::int32_t required_piece(const WordPiece& tokenizer, std::string_view piece,
                            const std::filesystem::path& model_or_file);

}  // namespace espalier
