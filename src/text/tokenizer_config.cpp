#include "text/tokenizer_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.h"
#include "base/json.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char* kSpecialMap = "special_tokens_map.json";
constexpr const char* kAddedTokens = "added_tokens.json";

/// The keys of the first file and, before them, those of the second one, with where each stands.
class BesideFiles {
 public:
  explicit BesideFiles(fs::path folder) : folder_(std::move(folder)) {
    const json own = read(kConfig);
    has_decoder_ = own.contains("added_tokens_decoder") && !own["added_tokens_decoder"].is_null();
    take(own, kConfig);
    if (!has_decoder_) take(read(kSpecialMap), kSpecialMap);
  }

  json read(const char* name) const {
    if (!fs::exists(folder_ / name)) return json::object();
    json content = read_json(folder_ / name);
    if (!content.is_object()) {
      throw UserError(fmt::format("{}: expected an object", (folder_ / name).string()), kTakeAnew);
    }
    return content;
  }

  const json* find(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() || found->is_null() ? nullptr : &*found;
  }
  /// For the fields of one key.
  JsonObject object(const std::string& key) const { return JsonObject(values_, path(file(key))); }
  std::string file(const std::string& key) const {
    const auto found = files_.find(key);
    return found == files_.end() ? kConfig : found->get<std::string>();
  }
  std::string path(const std::string& file) const { return (folder_ / file).string(); }
  bool has_decoder() const { return has_decoder_; }

 private:
  void take(const json& content, const char* file) {
    for (const auto& [key, value] : content.items()) {
      values_[key] = value;
      files_[key] = file;
    }
  }

  fs::path folder_;
  json values_ = json::object(), files_ = json::object();
  bool has_decoder_ = false;
};

std::string text_of(const json& token, const std::string& where) {
  if (token.is_string()) return token.get<std::string>();
  return JsonObject(token, where).string("content");
}

/// "bos_token": "<s>", or {"content": "<s>", ..}.
std::optional<std::string> token_text(const BesideFiles& files, const char* key, TokenizerConfig& into) {
  const json* value = files.find(key);
  if (value == nullptr) return std::nullopt;
  std::string text = text_of(*value, fmt::format("{}: {}", files.path(files.file(key)), key));
  into.taken.push_back({key, text, files.file(key)});
  into.special_texts.push_back(text);
  return text;
}

std::optional<bool> flag(const BesideFiles& files, const char* key, TokenizerConfig& into) {
  if (files.find(key) == nullptr) return std::nullopt;
  const bool value = files.object(key).boolean(key);
  into.taken.push_back({key, value ? "true" : "false", files.file(key)});
  return value;
}

void read_special_tokens(const BesideFiles& files, TokenizerConfig& into) {
  into.bos_token = token_text(files, "bos_token", into);
  into.eos_token = token_text(files, "eos_token", into);
  auto& names = into.special;
  const std::array<std::pair<const char*, std::string*>, 5> pieces = {{{"pad_token", &names.pad},
                                                                       {"unk_token", &names.unk},
                                                                       {"cls_token", &names.cls},
                                                                       {"sep_token", &names.sep},
                                                                       {"mask_token", &names.mask}}};
  for (const auto& [key, name] : pieces) {
    if (auto text = token_text(files, key, into)) *name = std::move(*text);
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const json* list = files.find(key);
    if (list == nullptr || list->empty()) continue;
    for (const json& token : *list) {
      into.special_texts.push_back(text_of(token, fmt::format("{}: {}", files.path(files.file(key)), key)));
    }
    into.taken.push_back({key, fmt::format("{} tokens", list->size()), files.file(key)});
  }
}

std::int32_t parse_id(const std::string& text, const std::string& where) {
  std::int32_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id < 0 || id > kMaxTokenId) {
    throw UserError(
        fmt::format("{}: found id \"{}\", expected 0 to {}", where, text.substr(0, 40), kMaxTokenId),
        kTakeAnew);
  }
  return id;
}

/// {"32000": {"content": "<tool>", ..}}
void read_decoder(const BesideFiles& files, TokenizerConfig& into) {
  const json& added = *files.find("added_tokens_decoder");
  const std::string where = files.path(kConfig) + ": added_tokens_decoder";
  if (!added.is_object()) throw UserError(where + ": expected an object of tokens by id", kTakeAnew);
  for (const auto& [id, token] : added.items()) {
    into.added.push_back(parse_added_token(token, where, parse_id(id, where)));
  }
  into.taken.push_back({"added_tokens_decoder", fmt::format("{} tokens", added.size()), kConfig});
}

/// {"<tool>": 32000}
void read_added_tokens(const BesideFiles& files, TokenizerConfig& into) {
  const json added = files.read(kAddedTokens);
  JsonObject ids(added, files.path(kAddedTokens));
  for (const auto& [text, id] : added.items()) {
    AddedToken token;
    token.id = static_cast<std::int32_t>(ids.integer(text, {0, kMaxTokenId}));
    token.content = text;
    token.special = std::ranges::find(into.special_texts, text) != into.special_texts.end();
    token.normalized = !token.special;
    into.added.push_back(std::move(token));
  }
  if (!added.empty()) {
    into.taken.push_back({"added tokens", fmt::format("{} tokens", added.size()), kAddedTokens});
  }
}

/// Settings that make other ids and that nothing here follows.
void refuse_unknown(const BesideFiles& files, TokenizerConfig& into) {
  if (files.find("word_tokenizer_type") != nullptr) {
    const std::string type = files.object("word_tokenizer_type").string("word_tokenizer_type");
    if (type != "basic") {
      files.object("word_tokenizer_type")
          .fail("word_tokenizer_type", fmt::format("words split by \"{}\" are not known", type),
                "only BERT's own splitting is");
    }
  }
  if (const json* value = files.find("do_basic_tokenize"); value != nullptr && *value == false) {
    into.passed_over.push_back({"do_basic_tokenize", "false", files.file("do_basic_tokenize")});
  }
  for (const char* key : {"never_split", "sp_model_kwargs"}) {
    const json* value = files.find(key);
    if (value == nullptr || value->empty()) continue;
    into.passed_over.push_back({key, value->dump().substr(0, 60), files.file(key)});
  }
}

/// "eos_token_id": 2, or [2, 7]; of a model with a part for text, that part's.
std::vector<std::int32_t> token_ids(const json& config, const std::string& where, const char* key) {
  const json* object = &config;
  const auto part = config.find("text_config");
  if ((!config.contains(key) || config[key].is_null()) && part != config.end() && part->is_object()) {
    object = &*part;
  }
  if (!object->contains(key) || (*object)[key].is_null()) return {};
  JsonObject fields(*object, where);
  if ((*object)[key].is_array() && (*object)[key].empty()) return {};
  const std::vector<std::int64_t> ids = (*object)[key].is_array()
                                            ? fields.integers(key, {-1, kMaxTokenId})
                                            : std::vector{fields.integer(key, {-1, kMaxTokenId})};
  std::vector<std::int32_t> known;
  for (const std::int64_t id : ids) {
    if (id >= 0) known.push_back(static_cast<std::int32_t>(id));
  }
  return known;
}

/// The first of a list is the model's own.
std::optional<std::int32_t> first_id(const json& config, const std::string& where, const char* key) {
  const auto ids = token_ids(config, where, key);
  return ids.empty() ? std::nullopt : std::optional(ids.front());
}

}  // namespace

AddedToken parse_added_token(const json& entry, const std::string& where, std::optional<std::int32_t> id) {
  JsonObject object(entry, where);
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

TokenizerConfig read_tokenizer_config(const fs::path& folder) {
  TokenizerConfig read;
  const BesideFiles files(folder);
  if (files.find("tokenizer_class") != nullptr) {
    read.tokenizer_class = files.object("tokenizer_class").string("tokenizer_class");
  }
  read_special_tokens(files, read);
  read.add_bos = flag(files, "add_bos_token", read);
  read.add_eos = flag(files, "add_eos_token", read);
  read.lower_case = flag(files, "do_lower_case", read);
  read.strip_accents = flag(files, "strip_accents", read);
  read.split_cjk = flag(files, "tokenize_chinese_chars", read);
  read.special_are_letters = flag(files, "split_special_tokens", read).value_or(false);
  refuse_unknown(files, read);
  files.has_decoder() ? read_decoder(files, read) : read_added_tokens(files, read);
  const json model = files.read("config.json");
  read.bos_id = first_id(model, files.path("config.json"), "bos_token_id");
  read.eos_id = first_id(model, files.path("config.json"), "eos_token_id");
  return read;
}

StopIds read_stop_ids(const fs::path& folder) {
  for (const char* name : {"generation_config.json", "config.json"}) {
    if (!fs::exists(folder / name)) continue;
    const json content = read_json(folder / name);
    auto ids = token_ids(content, (folder / name).string(), "eos_token_id");
    if (!ids.empty()) return {std::move(ids), name};
  }
  return {};
}

}  // namespace espalier
