#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "text/tokenizer_config.h"

namespace espalier {

/// What `espalier inspect --tokenizer` says: which file is the tokenizer, and what was taken from those
/// beside it.
struct TokenizerInspection {
  struct Token {
    std::int32_t id = 0;
    std::string piece;
  };
  std::string file, kind;
  std::int32_t vocabulary_size = 0;  ///< largest id + 1
  std::optional<Token> bos, eos;
  std::vector<Token> in_front, behind;  ///< of a text
  std::vector<std::int32_t> stops;      ///< that end generation
  std::string stops_file;               ///< empty: the tokenizer's own
  std::vector<BesideSetting> taken, passed_over;
};

/// Throws UserError where there is no tokenizer, or one that is not known.
TokenizerInspection inspect_tokenizer(const std::filesystem::path& model_or_file);

std::string to_text(const TokenizerInspection& inspection);
/// "format": "espalier.tokenizer/1".
nlohmann::json to_json(const TokenizerInspection& inspection);

}  // namespace espalier
