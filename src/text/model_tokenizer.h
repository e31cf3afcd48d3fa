#pragma once

#include <filesystem>

#include "text/wordpiece.h"

namespace espalier {

enum class LetterCase { kAsTrained, kKeep };

/// The tokenizer of a model folder (its vocab.txt) or of a vocabulary file itself. Lower-cases unless asked
/// not to, or unless `do_lower_case` in the folder's tokenizer_config.json is false. Throws UserError where
/// there is no vocabulary.
WordPiece load_tokenizer(const std::filesystem::path& model_or_vocabulary,
                         LetterCase letter_case = LetterCase::kAsTrained,
                         WordPiece::SpecialTokens special_tokens = WordPiece::SpecialTokens::kAsText);

/// Copies what `load_tokenizer` read, so that the model in `folder` has its tokenizer beside it.
void copy_tokenizer(const std::filesystem::path& model_or_vocabulary, const std::filesystem::path& folder);

/// Throws UserError where the tokenizer's vocabulary lacks the piece.
std::int32_t required_piece(const WordPiece& tokenizer, std::string_view piece,
                            const std::filesystem::path& model_or_vocabulary);

}  // namespace espalier
