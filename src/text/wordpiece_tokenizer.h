#pragma once

#include <memory>

#include "text/tokenizer.h"
#include "text/wordpiece.h"

namespace espalier {

/// A WordPiece vocabulary as a tokenizer: [CLS] in front, [SEP] behind, where the vocabulary has them.
std::unique_ptr<Tokenizer> make_wordpiece_tokenizer(WordPiece pieces);

}  // namespace espalier
