#include "text/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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
    throw UserError(fmt::format("{}: added_tokens: expected an array", name), kTakeAnew);
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

/// Those that are looked for in normalized text are normalized themselves, and so they come back from ids.
std::vector<AddedToken> as_found(std::vector<AddedToken> tokens, const TextNormalizer& normalize) {
  for (AddedToken& token : tokens) {
    if (token.normalized) normalize(token.content);
  }
  return tokens;
}

/// Tokens that are looked for in the text as it is, or in the normalized text, in their normalized form.
enum class LookedForIn { kText, kNormalized };
AddedTokenFinder finder(const std::vector<AddedToken>& tokens, LookedForIn where,
                        const TextNormalizer& normalize) {
  std::vector<AddedToken> wanted = as_found(tokens, normalize);
  std::erase_if(wanted, [&](const AddedToken& token) {
    return token.normalized != (where == LookedForIn::kNormalized);
  });
  return AddedTokenFinder(wanted);
}

std::vector<std::string> pieces_by_id(const Vocabulary& vocabulary) {
  std::int32_t largest = -1;
  for (const auto& [piece, id] : vocabulary) largest = std::max(largest, id);
  std::vector<std::string> pieces(static_cast<std::size_t>(largest) + 1);
  for (const auto& [piece, id] : vocabulary) pieces[static_cast<std::size_t>(id)] = piece;
  return pieces;
}

std::optional<std::int32_t> find_token(const std::string& text, const std::vector<AddedToken>& added,
                                       const Vocabulary& vocabulary) {
  for (const AddedToken& token : added) {
    if (token.content == text) return token.id;
  }
  const auto found = vocabulary.find(text);
  return found == vocabulary.end() ? std::nullopt : std::optional(found->second);
}

/// The token that is named, else what the class calls it, else that of the id in config.json.
std::optional<std::int32_t> find_token(const std::optional<std::string>& text, std::string_view of_class,
                                       std::optional<std::int32_t> id, const std::vector<AddedToken>& added,
                                       const Vocabulary& vocabulary) {
  if (text) {
    if (const auto named = find_token(*text, added, vocabulary)) return named;
  } else if (!of_class.empty()) {
    if (const auto usual = find_token(std::string(of_class), added, vocabulary)) return usual;
  }
  return id;
}

/// Those of the file, then those beside it that the file does not have. A special token that is named beside
/// it is one, too, where the vocabulary has it.
std::vector<AddedToken> with_tokens_beside(std::vector<AddedToken> added, const TokenizerConfig& config,
                                           const Vocabulary& vocabulary) {
  const auto has = [&](const std::string& text) {
    return std::ranges::any_of(added, [&](const AddedToken& token) { return token.content == text; });
  };
  for (AddedToken token : config.added) {
    if (has(token.content)) continue;
    if (const auto found = vocabulary.find(token.content); found != vocabulary.end())
      token.id = found->second;
    added.push_back(std::move(token));
  }
  for (const std::string& text : config.special_texts) {
    const auto found = vocabulary.find(text);
    if (found == vocabulary.end() || has(text)) continue;
    AddedToken token;
    token.id = found->second;
    token.content = text;
    token.special = true;
    added.push_back(std::move(token));
  }
  return added;
}

/// What transformers' classes call these tokens where nothing beside the tokenizer does.
struct UsualTokens {
  std::string_view of_class, bos, eos;
};
UsualTokens usual_tokens(std::string_view tokenizer_class) {
  static constexpr std::array<UsualTokens, 5> kClasses = {
      {{"LlamaTokenizer", "<s>", "</s>"},
       {"GPT2Tokenizer", "<|endoftext|>", "<|endoftext|>"},
       {"GPTNeoXTokenizer", "<|endoftext|>", "<|endoftext|>"},
       {"Qwen2Tokenizer", "", "<|endoftext|>"},
       {"GemmaTokenizer", "<bos>", "<eos>"}}};
  for (const UsualTokens& usual : kClasses) {
    if (tokenizer_class.starts_with(usual.of_class)) return usual;
  }
  return {};
}

class JsonTokenizer final : public Tokenizer {
 public:
  JsonTokenizer(const json& root, const std::string& name, const TokenizerConfig& config,
                SpecialInTexts special)
      : JsonTokenizer(root, name, config, special,
                      parse_vocabulary_object(vocab_of(root, name), name + ": model")) {}

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

  std::unique_ptr<TextStream> stream(TextPart part) const override { return text_.stream(part); }
  std::string piece(std::int32_t id) const override { return text_.piece(id); }
  std::int32_t vocabulary_size() const override { return text_.size(); }
  std::optional<std::int32_t> bos() const override { return bos_; }
  std::optional<std::int32_t> eos() const override { return eos_; }
  std::vector<std::int32_t> prefix() const override { return frame_.prefix; }
  std::vector<std::int32_t> suffix() const override { return frame_.suffix; }

 private:
  JsonTokenizer(const json& root, const std::string& name, const TokenizerConfig& config,
                SpecialInTexts special, const Vocabulary& vocabulary)
      : JsonTokenizer(root, name, config, special, vocabulary,
                      with_tokens_beside(parse_added_tokens(root, name), config, vocabulary)) {}

  JsonTokenizer(const json& root, const std::string& name, const TokenizerConfig& config,
                SpecialInTexts special, const Vocabulary& vocabulary, const std::vector<AddedToken>& added)
      : normalizer_of_words_(normalizer_of_words(root, name, added)),
        normalize_(normalizer_of(root, name, normalizer_of_words_)),
        in_text_(finder(found_in_texts(added, special), LookedForIn::kText, normalize_)),
        in_normalized_(finder(found_in_texts(added, special), LookedForIn::kNormalized, normalize_)),
        encode_segment_(make_segment_encoder(root, vocabulary, normalizer_of_words_, name)),
        text_(pieces_by_id(vocabulary), as_found(added, normalize_),
              {root.value("decoder", json()), name + ": decoder"}),
        frame_(make_text_frame(root.value("post_processor", json()), name + ": post_processor")),
        bos_(find_token(config.bos_token, usual_tokens(config.tokenizer_class).bos, config.bos_id, added,
                        vocabulary)),
        eos_(find_token(config.eos_token, usual_tokens(config.tokenizer_class).eos, config.eos_id, added,
                        vocabulary)) {
    frame_as_llama(config);
  }

  static const json& vocab_of(const json& root, const std::string& name) {
    const std::string type = model_type(root, name);
    const json& model = root.at("model");
    const bool known = type == "BPE" || type == "WordPiece";  // others say so in make_segment_encoder
    if (known && !model.contains("vocab"))
      throw UserError(fmt::format("{}: model: vocab: missing", name), kTakeAnew);
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

  // The flags of a Llama come before the file's post-processor, and are true and false unless they say
  // something else (transformers 4; 5 takes the file's, which says the same of published tokenizers). Those
  // of others count for nothing beside a file.
  void frame_as_llama(const TokenizerConfig& config) {
    if (!config.is_llama() || !(bos_ || config.add_bos || config.add_eos)) return;
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
  if (!root.is_object()) throw UserError(fmt::format("{}: expected an object", name), kTakeAnew);
  take_bert_settings(root, config);
  if (config.special_are_letters) special = SpecialInTexts::kLetters;
  return std::make_unique<JsonTokenizer>(root, name, config, special);
}

}  // namespace espalier
