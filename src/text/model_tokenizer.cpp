#include "text/model_tokenizer.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "text/bpe_model.h"
#include "text/segment_encoder.h"
#include "text/tokenizer.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// A file is a vocabulary unless its name says something else.
TokenizerFile find_encoder_tokenizer(const fs::path& model_or_file) {
  TokenizerFile found = find_tokenizer(model_or_file);
  const bool says_so = found.file.filename().string().find(".model") != std::string::npos;
  if (found.kind == TokenizerKind::kSentencePiece && !says_so) found.kind = TokenizerKind::kVocabulary;
  return found;
}

WordPiece of_vocabulary(const fs::path& file, const TokenizerConfig& config, LetterCase letter_case,
                        WordPiece::SpecialTokens special_tokens) {
  WordPiece::Options options;
  options.lower_case = config.lower_case.value_or(true);
  options.strip_accents = config.strip_accents;
  options.split_cjk = config.split_cjk.value_or(true);
  options.special_tokens = special_tokens;
  options.special = config.special;
  if (letter_case == LetterCase::kKeep) {
    options.lower_case = false;
    options.strip_accents.reset();
  }
  return WordPiece::load(file, options);
}

/// Added tokens have a place among the pieces.
std::vector<std::string> pieces_of(const nlohmann::json& root, const std::string& name,
                                   std::int32_t vocabulary_size) {
  std::vector<std::string> pieces(static_cast<std::size_t>(vocabulary_size));
  for (const auto& [piece, id] : parse_vocabulary_object(root.at("model").at("vocab"), name + ": model")) {
    pieces[static_cast<std::size_t>(id)] = piece;
  }
  for (const auto& token : root.value("added_tokens", nlohmann::json::array())) {
    const AddedToken added = parse_added_token(token, name + ": added_tokens");
    pieces[static_cast<std::size_t>(added.id)] = added.content;
  }
  return pieces;
}

WordPiece of_json(const fs::path& file, const TokenizerConfig& config) {
  const std::string name = file.string(), content = read_file(file);
  std::shared_ptr<const Tokenizer> tokenizer =
      make_json_tokenizer(content, name, config, SpecialInTexts::kLetters);
  const nlohmann::json root = parse_json(content, name);
  if (const std::string type = model_type(root, name); type != "WordPiece") {
    throw UserError(fmt::format("{}: a tokenizer of type {}, an encoder needs WordPiece", name, type),
                    "is it the folder of a BERT-shaped model?");
  }
  std::string identity = "tokenizer.json " + sha256(content) + '\n';
  for (const auto& flag : {config.lower_case, config.strip_accents, config.split_cjk}) {
    identity += flag ? (*flag ? "true\n" : "false\n") : "\n";
  }
  auto pieces = pieces_of(root, name, tokenizer->vocabulary_size());
  return WordPiece::around(std::move(tokenizer), std::move(pieces), config.special, std::move(identity));
}

}  // namespace

WordPiece load_tokenizer(const fs::path& model_or_file, LetterCase letter_case,
                         WordPiece::SpecialTokens special_tokens) {
  const auto [kind, file] = find_encoder_tokenizer(model_or_file);
  const TokenizerConfig config = read_tokenizer_config(file.parent_path());
  switch (kind) {
    case TokenizerKind::kVocabulary:
      return of_vocabulary(file, config, letter_case, special_tokens);
    case TokenizerKind::kJson:
      return of_json(file, config);
    default:
      throw UserError(fmt::format("{}: a sentencepiece model, an encoder needs WordPiece", file.string()),
                      "is it the folder of a BERT-shaped model?");
  }
}

void copy_tokenizer(const fs::path& model_or_file, const fs::path& folder) {
  const auto [kind, file] = find_encoder_tokenizer(model_or_file);
  const fs::path from = file.parent_path();
  const bool is_json = kind == TokenizerKind::kJson;
  write_file(folder / (is_json ? "tokenizer.json" : "vocab.txt"), read_file(file));
  for (const char* name : {"vocab.txt", "special_tokens_map.json", "added_tokens.json"}) {
    const bool written = !is_json && std::string_view(name) == "vocab.txt";
    if (!written && fs::exists(from / name)) write_file(folder / name, read_file(from / name));
  }
  nlohmann::json config = nlohmann::json::object();
  if (fs::exists(from / "tokenizer_config.json")) config = read_json(from / "tokenizer_config.json");
  if (!is_json) {
    config.emplace("tokenizer_class", "BertTokenizer");
    config.emplace("do_lower_case", true);
  }
  if (!config.empty()) write_file(folder / "tokenizer_config.json", dump_json(config));
}

std::int32_t required_piece(const WordPiece& tokenizer, std::string_view piece,
                            const fs::path& model_or_file) {
  const std::int32_t id = tokenizer.id(piece);
  if (id < 0) {
    throw UserError(
        fmt::format("{}: the vocabulary has no piece {}", find_tokenizer(model_or_file).file.string(), piece),
        "is it the vocabulary of a BERT model?");
  }
  return id;
}

}  // namespace espalier
