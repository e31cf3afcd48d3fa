#include "text/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "text/bpe_model.h"
#include "text/segment_encoder.h"
#include "text/template_processor.h"
#include "text/text_normalizer.h"
#include "text/utf8.h"
#include "text/vocabulary_text.h"

namespace espalier {
namespace {

using nlohmann::json;
using Vocabulary = BytePairEncoding::Vocabulary;

std::vector<AddedToken> parse_added_tokens(const json& root, const std::string& name) {
  std::vector<AddedToken> tokens;
  const json list = root.value("added_tokens", json());
  if (!list.is_null() && !list.is_array()) {
    throw UserError(fmt::format("{}: added_tokens: expected an array", name));
  }
  for (const auto& item : list) {
    tokens.push_back(parse_added_token(item, fmt::format("{}: added_tokens[{}]", name, tokens.size())));
  }
  return tokens;
}

/// Of a BERT the settings beside a tokenizer.json come before its own.
void take_bert_settings(json& root, const TokenizerConfig& config) {
  const auto normalizer = root.find("normalizer");
  if (normalizer == root.end() || !normalizer->is_object()) return;
  if (normalizer->value("type", json()) != "BertNormalizer") return;
  if (config.lower_case) (*normalizer)["lowercase"] = *config.lower_case;
  if (config.strip_accents) (*normalizer)["strip_accents"] = *config.strip_accents;
  if (config.split_cjk) (*normalizer)["handle_chinese_chars"] = *config.split_cjk;
}

std::vector<AddedToken> found_in_texts(std::vector<AddedToken> tokens, SpecialInTexts special) {
  if (special == SpecialInTexts::kLetters) {
    std::erase_if(tokens, [](const AddedToken& token) { return token.special; });
  }
  return tokens;
}

/// Tokens that are looked for in the text as it is, or in the normalized text, in their normalized form.
enum class LookedForIn { kText, kNormalized };
AddedTokenFinder finder(const std::vector<AddedToken>& tokens, LookedForIn where,
                        const TextNormalizer& normalize) {
  std::vector<AddedToken> wanted;
  for (AddedToken token : tokens) {
    if (token.normalized != (where == LookedForIn::kNormalized)) continue;
    if (token.normalized) normalize(token.content);
    wanted.push_back(std::move(token));
  }
  return AddedTokenFinder(wanted);
}

std::vector<std::string> pieces_by_id(const Vocabulary& vocabulary) {
  std::int32_t largest = -1;
  for (const auto& [piece, id] : vocabulary) largest = std::max(largest, id);
  std::vector<std::string> pieces(static_cast<std::size_t>(largest) + 1);
  for (const auto& [piece, id] : vocabulary) pieces[static_cast<std::size_t>(id)] = piece;
  return pieces;
}

std::optional<std::int32_t> find_token(const std::optional<std::string>& text, std::optional<std::int32_t> id,
                                       const std::vector<AddedToken>& added, const Vocabulary& vocabulary) {
  if (!text) return id;
  for (const AddedToken& token : added) {
    if (token.content == *text) return token.id;
  }
  const auto found = vocabulary.find(*text);
  return found == vocabulary.end() ? std::nullopt : std::optional(found->second);
}

class JsonTokenizer final : public Tokenizer {
 public:
  JsonTokenizer(const json& root, const std::string& name, const TokenizerConfig& config,
                SpecialInTexts special)
      : JsonTokenizer(root, name, config, special,
                      parse_vocabulary_object(vocab_of(root, name), name + ": model"),
                      parse_added_tokens(root, name)) {}

  std::vector<std::int32_t> encode(std::string_view text) const override {
    const std::string valid = find_invalid_utf8(text) ? replace_invalid_utf8(text) : std::string();
    if (!valid.empty()) text = valid;
    std::vector<std::int32_t> ids;
    ids.reserve(text.size() / 3);
    for (const auto& segment : in_text_.split(text)) {
      if (segment.id) {
        ids.push_back(*segment.id);
      } else {
        encode_segment(segment.text, segment.text.data() == text.data(), ids);
      }
    }
    return ids;
  }

  std::string decode(std::span<const std::int32_t> ids) const override { return text_.decode(ids); }
  std::string piece(std::int32_t id) const override { return text_.piece(id); }
  std::int32_t vocabulary_size() const override { return text_.size(); }
  std::optional<std::int32_t> bos() const override { return bos_; }
  std::optional<std::int32_t> eos() const override { return eos_; }
  std::vector<std::int32_t> prefix() const override { return frame_.prefix; }
  std::vector<std::int32_t> suffix() const override { return frame_.suffix; }

 private:
  JsonTokenizer(const json& root, const std::string& name, const TokenizerConfig& config,
                SpecialInTexts special, const Vocabulary& vocabulary, const std::vector<AddedToken>& added)
      : normalizer_of_words_(normalizer_of_words(root, name, added)),
        normalize_(normalizer_of(root, name, normalizer_of_words_)),
        in_text_(finder(found_in_texts(added, special), LookedForIn::kText, normalize_)),
        in_normalized_(finder(found_in_texts(added, special), LookedForIn::kNormalized, normalize_)),
        encode_segment_(make_segment_encoder(root, vocabulary, normalizer_of_words_, name)),
        text_(pieces_by_id(vocabulary), added, {root.value("decoder", json()), name + ": decoder"}),
        frame_(make_text_frame(root.value("post_processor", json()), name + ": post_processor")),
        bos_(find_token(config.bos_token, config.bos_id, added, vocabulary)),
        eos_(find_token(config.eos_token, config.eos_id, added, vocabulary)) {
    frame_as_llama(config);
  }

  static const json& vocab_of(const json& root, const std::string& name) {
    const std::string type = model_type(root, name);
    const json& model = root.at("model");
    const bool known = type == "BPE" || type == "WordPiece";  // others say so in make_segment_encoder
    if (known && !model.contains("vocab")) throw UserError(fmt::format("{}: model: vocab: missing", name));
    static const json none = {{"?", 0}};
    return known ? model.at("vocab") : none;
  }

  /// Tokens that are looked for in the normalized text need it.
  static NormalizerOfWords normalizer_of_words(const json& root, const std::string& name,
                                               const std::vector<AddedToken>& added) {
    const bool needs_text =
        std::any_of(added.begin(), added.end(), [](const AddedToken& token) { return token.normalized; });
    return splits_as_bert(root, name) && !needs_text ? NormalizerOfWords::kOfModel
                                                     : NormalizerOfWords::kBefore;
  }

  static TextNormalizer normalizer_of(const json& root, const std::string& name, NormalizerOfWords words) {
    if (words == NormalizerOfWords::kOfModel) return [](std::string&) {};
    return make_normalizer(root.value("normalizer", json()), name + ": normalizer");
  }

  // Hugging Face's LlamaTokenizer makes its post-processor from the flags, whatever the file says.
  void frame_as_llama(const TokenizerConfig& config) {
    if (!config.tokenizer_class.starts_with("LlamaTokenizer")) return;
    frame_ = {};
    if (config.add_bos.value_or(true) && bos_) frame_.prefix = {*bos_};
    if (config.add_eos.value_or(false) && eos_) frame_.suffix = {*eos_};
  }

  void encode_segment(std::string_view segment, bool at_start, std::vector<std::int32_t>& ids) const {
    std::string normalized(segment);
    normalize_(normalized);
    for (const auto& part : in_normalized_.split(normalized)) {
      if (part.id) {
        ids.push_back(*part.id);
        continue;
      }
      const bool first = at_start && part.text.data() == normalized.data();
      encode_segment_(std::string(part.text), first ? SegmentPlace::kAtStart : SegmentPlace::kAfterToken,
                      ids);
    }
  }

  NormalizerOfWords normalizer_of_words_;
  TextNormalizer normalize_;
  AddedTokenFinder in_text_, in_normalized_;
  SegmentEncoder encode_segment_;
  VocabularyText text_;
  TextFrame frame_;
  std::optional<std::int32_t> bos_, eos_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_json_tokenizer(std::string_view content, const std::string& name,
                                               const TokenizerConfig& config, SpecialInTexts special) {
  json root = parse_json(content, name);
  if (!root.is_object()) throw UserError(fmt::format("{}: expected an object", name));
  take_bert_settings(root, config);
  return std::make_unique<JsonTokenizer>(root, name, config, special);
}

}  // namespace espalier
