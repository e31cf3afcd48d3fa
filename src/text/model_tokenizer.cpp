#include "text/model_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "text/bpe_model.h"
#include "text/segment_encoder.h"
#include "text/tokenizer.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"
#include "text/vocabulary_file.h"

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

/// Added tokens have a place among the pieces.
std::vector<std::string> pieces_of(const nlohmann::json& root, const std::string& name,
                                   const TokenizerConfig& config, std::int32_t vocabulary_size) {
  std::vector<std::string> pieces(static_cast<std::size_t>(vocabulary_size));
  for (const auto& [piece, id] : parse_vocabulary_object(root.at("model").at("vocab"), name + ": model")) {
    pieces[static_cast<std::size_t>(id)] = piece;
  }
  std::vector<AddedToken> added = config.added;
  for (const auto& token : root.value("added_tokens", nlohmann::json::array())) {
    added.push_back(parse_added_token(token, name + ": added_tokens"));
  }
  for (const AddedToken& token : added) {
    if (token.id < vocabulary_size) pieces[static_cast<std::size_t>(token.id)] = token.content;
  }
  return pieces;
}

WordPiece of_json(const std::string& content, const std::string& name, const TokenizerConfig& config,
                  WordPiece::SpecialTokens special_tokens) {
  const auto special = special_tokens == WordPiece::SpecialTokens::kAsText ? SpecialInTexts::kLetters
                                                                           : SpecialInTexts::kTokens;
  std::shared_ptr<const Tokenizer> tokenizer = make_json_tokenizer(content, name, config, special);
  const nlohmann::json root = parse_json(content, name);
  if (const std::string type = model_type(root, name); type != "WordPiece") {
    throw UserError(fmt::format("{}: a tokenizer of type {}, an encoder needs WordPiece", name, type),
                    "is it the folder of a BERT-shaped model?");
  }
  std::string identity =
      fmt::format("tokenizer.json {}\nspecial {}\n", sha256(content), static_cast<int>(special_tokens));
  for (const auto& [key, value, file] : config.taken) identity += fmt::format("{} {}\n", key, value);
  for (const AddedToken& token : config.added) identity += fmt::format("{} {}\n", token.id, token.content);
  auto pieces = pieces_of(root, name, config, tokenizer->vocabulary_size());
  return WordPiece::around(std::move(tokenizer), std::move(pieces), config.special, std::move(identity));
}

/// A vocabulary as the tokenizer.json that a fast tokenizer would save, where tokens beside it are to be
/// found.
std::string as_json(const std::vector<std::string>& pieces, const WordPiece::Options& options) {
  nlohmann::json vocabulary;
  for (const std::string& piece : pieces) {
    const std::size_t id = vocabulary.size();
    vocabulary[piece] = id;
  }
  auto added = nlohmann::json::array();
  const auto& [pad, unk, cls, sep, mask] = options.special;
  for (const std::string& text : {pad, unk, cls, sep, mask}) {
    if (vocabulary.contains(text))
      added.push_back({{"id", vocabulary[text]}, {"content", text}, {"special", true}});
  }
  const nlohmann::json root = {
      {"added_tokens", added},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"lowercase", options.lower_case},
        {"strip_accents", options.strip_accents.value_or(options.lower_case)},
        {"handle_chinese_chars", options.split_cjk}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"decoder", {{"type", "WordPiece"}}},
      {"model", {{"type", "WordPiece"}, {"unk_token", options.special.unk}, {"vocab", vocabulary}}}};
  return root.dump();
}

WordPiece of_vocabulary(const fs::path& file, TokenizerConfig config, LetterCase letter_case,
                        WordPiece::SpecialTokens special_tokens) {
  if (letter_case == LetterCase::kKeep) {
    config.lower_case = false;
    config.strip_accents.reset();
  }
  WordPiece::Options options;
  options.lower_case = config.lower_case.value_or(true);
  options.strip_accents = config.strip_accents;
  options.split_cjk = config.split_cjk.value_or(true);
  options.special_tokens = config.special_are_letters ? WordPiece::SpecialTokens::kAsText : special_tokens;
  options.special = config.special;
  auto pieces = read_vocabulary(file);
  const auto is_new = [&](const AddedToken& token) {
    return static_cast<std::size_t>(token.id) >= pieces.size();
  };
  if (std::ranges::any_of(config.added, is_new)) {
    return of_json(as_json(pieces, options), file.string(), config, special_tokens);
  }
  return WordPiece::from_checked(std::move(pieces), options, file.string());
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
      return of_json(read_file(file), file.string(), config, special_tokens);
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
  // Other programs cut texts there, or run past the last position.
  if (fs::exists(folder / "config.json")) {
    const nlohmann::json model = read_json(folder / "config.json");
    if (const auto found = model.find("max_position_embeddings"); found != model.end())
      config.emplace("model_max_length", *found);
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
