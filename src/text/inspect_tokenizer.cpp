#include "text/inspect_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "text/tokenizer.h"

namespace espalier {
namespace {

using Token = TokenizerInspection::Token;

constexpr std::string_view kind_name(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::kJson:
      return "tokenizer.json";
    case TokenizerKind::kSentencePiece:
      return "sentencepiece";
    default:
      return "vocab.txt";
  }
}

std::optional<Token> token_of(const Tokenizer& tokenizer, std::optional<std::int32_t> id) {
  return id ? std::optional(Token{*id, tokenizer.piece(*id)}) : std::nullopt;
}

std::vector<Token> tokens_of(const Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  std::vector<Token> tokens;
  for (const std::int32_t id : ids) tokens.push_back({id, tokenizer.piece(id)});
  return tokens;
}

/// A tokenizer.json may say how long its texts are cut and filled; here options do (--seq-len, --max-tokens).
void pass_over_lengths(const std::filesystem::path& file, std::vector<BesideSetting>& passed_over) {
  const nlohmann::json root = read_json(file);
  for (const char* key : {"truncation", "padding"}) {
    const auto found = root.find(key);
    if (found == root.end() || found->is_null()) continue;
    passed_over.push_back({key, found->dump().substr(0, 80), file.filename().string()});
  }
}

/// Beside a tokenizer.json, whose post-processor says it, these are a Llama's alone.
void pass_over_flags(const TokenizerConfig& config, TokenizerInspection& inspection) {
  if (config.is_llama()) return;
  const auto is_flag = [](const BesideSetting& setting) {
    return setting.key == "add_bos_token" || setting.key == "add_eos_token";
  };
  std::ranges::copy_if(inspection.taken, std::back_inserter(inspection.passed_over), is_flag);
  std::erase_if(inspection.taken, is_flag);
}

std::string text_of(const Token& token) {
  return fmt::format(
      "{} ({})", nlohmann::json(token.piece).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
      token.id);
}

std::string text_of(const std::vector<Token>& tokens) {
  std::string text;
  for (const Token& token : tokens) text += (text.empty() ? "" : ", ") + text_of(token);
  return text.empty() ? "nothing" : text;
}

std::string text_of(const std::optional<Token>& token) {
  return token ? text_of(*token) : "none";
}

std::string lines_of(std::string_view title, const std::vector<BesideSetting>& settings) {
  std::string text;
  for (const auto& [key, value, file] : settings) {
    text += fmt::format("{}{:<28} {}  ({})\n", text.empty() ? fmt::format("{}\n  ", title) : "  ", key, value,
                        file);
  }
  return text;
}

nlohmann::json json_of(const std::vector<BesideSetting>& settings) {
  auto list = nlohmann::json::array();
  for (const auto& [key, value, file] : settings) {
    list.push_back({{"key", key}, {"value", value}, {"file", file}});
  }
  return list;
}

nlohmann::json json_of(const std::vector<Token>& tokens) {
  auto list = nlohmann::json::array();
  for (const auto& [id, piece] : tokens) list.push_back({{"id", id}, {"piece", piece}});
  return list;
}

nlohmann::json json_of(const std::optional<Token>& token) {
  return token ? nlohmann::json{{"id", token->id}, {"piece", token->piece}} : nlohmann::json();
}

}  // namespace

TokenizerInspection inspect_tokenizer(const std::filesystem::path& model_or_file) {
  const auto [kind, file] = find_tokenizer(model_or_file);
  const auto tokenizer = open_tokenizer(model_or_file);
  const auto config = read_tokenizer_config(file.parent_path());
  TokenizerInspection inspection{.file = file.string(),
                                 .kind = std::string(kind_name(kind)),
                                 .vocabulary_size = tokenizer->vocabulary_size(),
                                 .bos = token_of(*tokenizer, tokenizer->bos()),
                                 .eos = token_of(*tokenizer, tokenizer->eos()),
                                 .in_front = tokens_of(*tokenizer, tokenizer->prefix()),
                                 .behind = tokens_of(*tokenizer, tokenizer->suffix()),
                                 .stops = {},
                                 .stops_file = {},
                                 .taken = config.taken,
                                 .passed_over = config.passed_over};
  const StopIds stops = read_stop_ids(file.parent_path());
  inspection.stops = stops.ids;
  inspection.stops_file = stops.file;
  if (stops.ids.empty() && tokenizer->eos()) inspection.stops = {*tokenizer->eos()};
  if (kind == TokenizerKind::kJson) {
    pass_over_flags(config, inspection);
    pass_over_lengths(file, inspection.passed_over);
  }
  return inspection;
}

std::string to_text(const TokenizerInspection& inspection) {
  std::string stops;
  for (const std::int32_t id : inspection.stops) stops += fmt::format("{}{}", stops.empty() ? "" : ", ", id);
  return fmt::format("{}: {}, ids 0 to {}\n", inspection.file, inspection.kind,
                     inspection.vocabulary_size - 1) +
         fmt::format("  in front of a text {}, behind it {}\n", text_of(inspection.in_front),
                     text_of(inspection.behind)) +
         fmt::format("  BOS {}, EOS {}\n", text_of(inspection.bos), text_of(inspection.eos)) +
         fmt::format("  generation ends at {}{}\n", stops.empty() ? "no token" : stops,
                     inspection.stops_file.empty() ? "" : fmt::format("  ({})", inspection.stops_file)) +
         lines_of("taken from the files beside it", inspection.taken) +
         lines_of("passed over", inspection.passed_over);
}

nlohmann::json to_json(const TokenizerInspection& inspection) {
  return {{"format", "espalier.tokenizer/1"},
          {"file", inspection.file},
          {"kind", inspection.kind},
          {"vocabulary_size", inspection.vocabulary_size},
          {"bos", json_of(inspection.bos)},
          {"eos", json_of(inspection.eos)},
          {"in_front", json_of(inspection.in_front)},
          {"behind", json_of(inspection.behind)},
          {"stops", inspection.stops},
          {"stops_file", inspection.stops_file},
          {"taken", json_of(inspection.taken)},
          {"passed_over", json_of(inspection.passed_over)}};
}

}  // namespace espalier
