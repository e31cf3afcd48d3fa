#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "text/added_tokens.h"
#include "text/wordpiece.h"

namespace espalier {

/// What stands beside a tokenizer in a model folder, in tokenizer_config.json or else config.json.
struct TokenizerConfig {
  std::string tokenizer_class;
  std::optional<std::string> bos_token, eos_token;  ///< by their text
  std::optional<std::int32_t> bos_id, eos_id;       ///< by their id, where no text is given
  std::optional<bool> add_bos, add_eos;
  /// Of a BERT: what its normalizer does, and how the pieces that an encoder needs are written.
  std::optional<bool> lower_case, strip_accents, split_cjk;
  WordPiece::SpecialPieces special;
  std::vector<AddedToken> added;  ///< "added_tokens_decoder"
};

/// Of a model folder; all absent where the files are. Throws UserError for fields of a wrong type.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder);

/// The list "added_tokens" entry or "added_tokens_decoder" entry `json` as a token; `id` stands in it in the
/// first case.
AddedToken parse_added_token(const nlohmann::json& json, const std::string& where,
                             std::optional<std::int32_t> id = std::nullopt);

constexpr std::int32_t kMaxTokenId = (1 << 22) - 1;  // the largest published vocabulary has 262,144

}  // namespace espalier
