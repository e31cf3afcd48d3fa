#include "text/tokenizer_config.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

/// "bos_token": "<s>", or {"content": "<s>", ..}.
std::optional<std::string> token_text(JsonObject& config, std::string_view key) {
  const nlohmann::json* value = config.find_value(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_object()) return config.object(key).string("content");
  return config.string(key);
}

/// "eos_token_id": 2, or [2, 7], of which the first is the model's own.
std::optional<std::int32_t> token_id(JsonObject& config, std::string_view key) {
  const nlohmann::json* value = config.find_value(key);
  if (value == nullptr || (value->is_array() && value->empty())) return std::nullopt;
  if (value->is_array()) {
    return static_cast<std::int32_t>(config.integers(key, {-1, kMaxTokenId}).front());
  }
  const auto id = static_cast<std::int32_t>(config.integer(key, {-1, kMaxTokenId}));
  return id < 0 ? std::nullopt : std::optional(id);
}

std::optional<bool> flag(JsonObject& config, std::string_view key) {
  return config.has(key) ? std::optional(config.boolean(key)) : std::nullopt;
}

std::int32_t parse_id(const std::string& text, const std::string& where) {
  std::int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id < 0 || id > kMaxTokenId) {
    throw UserError(
        fmt::format("{}: found id \"{}\", expected 0 to {}", where, text.substr(0, 40), kMaxTokenId));
  }
  return id;
}

void read_bert_settings(JsonObject& config, TokenizerConfig& into) {
  into.lower_case = flag(config, "do_lower_case");
  into.strip_accents = flag(config, "strip_accents");
  into.split_cjk = flag(config, "tokenize_chinese_chars");
  auto& names = into.special;
  for (auto [key, name] : {std::pair{"pad_token", &names.pad}, std::pair{"unk_token", &names.unk},
                           std::pair{"cls_token", &names.cls}, std::pair{"sep_token", &names.sep},
                           std::pair{"mask_token", &names.mask}}) {
    if (auto text = token_text(config, key)) *name = std::move(*text);
  }
}

void read_added_tokens(JsonObject& config, const std::string& source, TokenizerConfig& into) {
  const nlohmann::json* added = config.find_value("added_tokens_decoder");
  if (added == nullptr) return;
  if (!added->is_object()) config.fail("added_tokens_decoder", "expected an object of tokens by id");
  for (const auto& [id, token] : added->items()) {
    const std::string where = source + ": added_tokens_decoder";
    into.added.push_back(parse_added_token(token, where, parse_id(id, where)));
  }
}

}  // namespace

AddedToken parse_added_token(const nlohmann::json& json, const std::string& where,
                             std::optional<std::int32_t> id) {
  JsonObject object(json, where);
  AddedToken token;
  token.id = id ? *id : static_cast<std::int32_t>(object.integer("id", {0, kMaxTokenId}));
  token.content = object.string("content");
  token.special = object.boolean("special", false);
  token.normalized = object.boolean("normalized", !token.special);
  token.single_word = object.boolean("single_word", false);
  token.takes_left = object.boolean("lstrip", false);
  token.takes_right = object.boolean("rstrip", false);
  return token;
}

TokenizerConfig read_tokenizer_config(const std::filesystem::path& folder) {
  TokenizerConfig read;
  const auto file = folder / "tokenizer_config.json";
  if (std::filesystem::exists(file)) {
    JsonObject config(read_json(file), file.string());
    read.tokenizer_class = config.string("tokenizer_class", "");
    read.bos_token = token_text(config, "bos_token");
    read.eos_token = token_text(config, "eos_token");
    read.add_bos = flag(config, "add_bos_token");
    read.add_eos = flag(config, "add_eos_token");
    read_bert_settings(config, read);
    read_added_tokens(config, file.string(), read);
    return read;
  }
  const auto model = folder / "config.json";
  if (std::filesystem::exists(model)) {
    JsonObject config(read_json(model), model.string());
    read.bos_id = token_id(config, "bos_token_id");
    read.eos_id = token_id(config, "eos_token_id");
  }
  return read;
}

}  // namespace espalier
