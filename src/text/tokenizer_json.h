#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer.h"
#include "text/tokenizer_config.h"

namespace espalier {

/// Whether special tokens written in a text are what they stand for, or their letters.
enum class SpecialInTexts { kTokens, kLetters };

/// A tokenizer from the content of a tokenizer.json (Hugging Face): byte-pair encoding over bytes or
/// characters, or WordPiece, with the normalizers, pre-tokenizers, post-processors and decoders of published
/// language models. Throws UserError beginning with `name` that names what is not known or malformed.
std::unique_ptr<Tokenizer> make_json_tokenizer(std::string_view content, const std::string& name,
                                               const TokenizerConfig& config,
                                               SpecialInTexts special = SpecialInTexts::kTokens);

}  // namespace espalier
