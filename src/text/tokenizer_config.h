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

/// A setting beside a tokenizer, as its file writes it.
struct BesideSetting {
  std::string key, value, file;
};

/// What stands beside a tokenizer in a model folder and changes ids: tokenizer_config.json,
/// special_tokens_map.json, added_tokens.json and config.json, with the precedence of transformers. The
/// second and third count only where the first has no "added_tokens_decoder"; then special_tokens_map.json
/// comes before tokenizer_config.json.
struct TokenizerConfig {
  std::string tokenizer_class;
  std::optional<std::string> bos_token, eos_token;  ///< by their text
  std::optional<std::int32_t> bos_id, eos_id;       ///< of config.json, where no text is given or found
  std::optional<bool> add_bos, add_eos;
  /// Special tokens by their text, these two and others: tokens in texts if the vocabulary has them.
  std::vector<std::string> special_texts;
  bool special_are_letters = false;  ///< "split_special_tokens": special tokens in texts are their letters
  /// Of a BERT: what its normalizer does, and how the pieces that an encoder needs are written.
  std::optional<bool> lower_case, strip_accents, split_cjk;
  WordPiece::SpecialPieces special;
  std::vector<AddedToken> added;           ///< of "added_tokens_decoder", else of added_tokens.json
  std::vector<BesideSetting> taken;        ///< what this was read from
  std::vector<BesideSetting> passed_over;  ///< what other programs make ids of, and this one does not

  bool is_llama() const { return tokenizer_class.starts_with("LlamaTokenizer"); }
};

/// Of a model folder; all absent where the files are. Throws UserError for fields of a wrong type, and for
/// settings that make other ids and are not known.
TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder);

/// The ids that end a text, one or a list: "eos_token_id" of generation_config.json, else of config.json.
struct StopIds {
  std::vector<std::int32_t> ids;
  std::string file;  ///< where they stand; empty: nowhere
};
StopIds read_stop_ids(const std::filesystem::path& folder);

/// The list "added_tokens" entry or "added_tokens_decoder" entry `json` as a token; `id` stands in it in the
/// first case.
AddedToken parse_added_token(const nlohmann::json& json, const std::string& where,
                             std::optional<std::int32_t> id = std::nullopt);

inline constexpr const char* kTakeAnew =
    "the file was changed or is damaged: take the tokenizer anew from where it came";
constexpr std::int32_t kMaxTokenId = (1 << 22) - 1;  // the largest published vocabulary has 262,144

}  // namespace espalier
