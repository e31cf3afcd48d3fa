#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "pipeline/verb.h"

namespace espalier::pipeline {

/// Text to ids, or ids to text.
struct TokenizeOptions {
  std::filesystem::path model;   ///< folder, or a tokenizer's file
  std::filesystem::path text;    ///< to tokens
  std::string field = "text";    ///< of JSON Lines
  std::filesystem::path decode;  ///< tokens.json, to texts
  std::filesystem::path out;
  std::size_t max_tokens = 0;                         ///< 0: no limit
  bool whole_file = false;                            ///< the text is one sequence
  bool no_special = false;                            ///< without BOS, EOS, [CLS] and [SEP]
  bool recognize_special = false, keep_case = false;  ///< of a vocab.txt
};
void describe(options::OptionTable& table, TokenizeOptions& options);

struct TokenizeSummary {
  std::filesystem::path out;
  std::size_t sequences = 0, tokens = 0, cut = 0;
};
nlohmann::ordered_json to_json(const TokenizeSummary& summary);
std::string to_text(const TokenizeSummary& summary);

/// Throws UserError unless exactly one of text and decode is given.
TokenizeSummary tokenize(const TokenizeOptions& options, const RunContext& context);

Verb tokenize_verb();

}  // namespace espalier::pipeline
