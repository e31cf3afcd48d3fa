#include "data/corpus_tokenizer.h"

#include "base/error.h"

namespace espalier {

CorpusTokenizer corpus_tokenizer(const WordPiece& tokenizer) {
  CorpusTokenizer made;
  made.vocabulary_size = tokenizer.vocabulary_size();
  made.identity = tokenizer.identity();
  made.encode = [&tokenizer](std::string_view line, std::vector<std::int32_t>& tokens) {
    tokenizer.encode(line, tokens);
  };
  return made;
}

CorpusTokenizer corpus_tokenizer(const Tokenizer& tokenizer, std::string identity) {
  const auto eos = tokenizer.eos();
  if (!eos)
    throw UserError("the tokenizer names no end-of-text token (eos_token), which stands between documents",
                    "name it in tokenizer_config.json");
  CorpusTokenizer made;
  made.vocabulary_size = tokenizer.vocabulary_size();
  made.identity = "lines with their ends, EOS behind documents\n" + std::move(identity);
  made.encode = [&tokenizer](std::string_view line, std::vector<std::int32_t>& tokens) {
    const auto ids = tokenizer.encode(std::string(line) + '\n');
    tokens.insert(tokens.end(), ids.begin(), ids.end());
  };
  made.document_end = tokenizer.encode("\n");
  made.document_end.push_back(*eos);
  return made;
}

}  // namespace espalier
