#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"
#include "text/wordpiece.h"

namespace espalier {

/// How the lines of a text become the tokens of a corpus. Valid while the tokenizer it was made of lives.
struct CorpusTokenizer {
  std::int64_t vocabulary_size = 0;
  /// Everything that the tokens depend on beside the text; part of the cache's key.
  std::string identity;
  std::function<void(std::string_view line, std::vector<std::int32_t>& tokens)> encode;
  std::vector<std::int32_t> document_end;  ///< put behind each document
};

/// Lines without their ends: masked language modelling cuts sequences out of documents.
CorpusTokenizer corpus_tokenizer(const WordPiece& tokenizer);

/// Line ends are tokens like others, and a document ends with an empty line and EOS. `identity` tells this
/// tokenizer from others: the hash of its file. Throws UserError where the tokenizer has no EOS.
CorpusTokenizer corpus_tokenizer(const Tokenizer& tokenizer, std::string identity);

}  // namespace espalier
