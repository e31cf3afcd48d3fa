#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "pipeline/verb.h"
#include "text/wordpiece_trainer.h"

namespace espalier::pipeline {

enum class TokenizerForm {
  kWordPiece,  ///< vocab.txt of encoders
  kBytes       ///< tokenizer.json, byte-level byte-pair encoding
};

struct TokenizerOptions {
  std::vector<std::filesystem::path> files;  ///< text
  TokenizerForm form = TokenizerForm::kWordPiece;
  WordPieceTraining training;  ///< of bytes the size and the least count of pairs
  std::filesystem::path out;   ///< of bytes, tokenizer_config.json goes beside it
};
void describe(options::OptionTable& table, TokenizerOptions& options);

struct TokenizerSummary {
  std::filesystem::path vocabulary;  ///< the file that was written
  TokenizerForm form = TokenizerForm::kWordPiece;
  std::size_t pieces = 0, asked = 0;
  bool lower_case = false;
};
nlohmann::ordered_json to_json(const TokenizerSummary& summary);
std::string to_text(const TokenizerSummary& summary);

/// Trains a tokenizer on text. Throws UserError for a text without words and a size that does not hold the
/// alphabet.
TokenizerSummary train_tokenizer(const TokenizerOptions& options, const RunContext& context);

Verb tokenizer_verb();

}  // namespace espalier::pipeline
