#include "text/sentencepiece_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "text/byte_pair_encoding.h"
#include "text/sentencepiece_model.h"
#include "text/utf8.h"
#include "text/vocabulary_text.h"

namespace espalier {
namespace {

using Type = SentencePieceModel::PieceType;
using Vocabulary = BytePairEncoding::Vocabulary;

constexpr std::string_view kSpaceMark = "\u2581";

void refuse_unknown_model(const SentencePieceModel& model, const std::string& name) {
  const auto refuse = [&](const std::string& what) {
    throw UserError(fmt::format("{}: {} is not known", name, what),
                    "known: byte-pair encoding with the identity normalizer (Llama, Mistral, Mixtral)");
  };
  if (model.algorithm != SentencePieceModel::Algorithm::kBpe) {
    refuse(fmt::format("sentencepiece model type {}, not BPE,", static_cast<int>(model.algorithm)));
  }
  if (model.has_character_map) refuse(fmt::format("the normalizer \"{}\"", model.normalizer));
  if (model.space_is_suffix) refuse("white space as a suffix");
  if (!model.escape_spaces) refuse("a model without marks for spaces");
  for (const auto& piece : model.pieces) {
    if (piece.type == Type::kUnused) refuse("a model with unused pieces");
  }
}

Vocabulary joinable_pieces(const SentencePieceModel& model) {
  Vocabulary vocabulary;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    if (model.pieces[i].type == Type::kNormal) {
      vocabulary.emplace(model.pieces[i].text, static_cast<std::int32_t>(i));
    }
  }
  return vocabulary;
}

/// Every way to make a piece of two others: sentencepiece joins whatever gives a piece, the best score first
/// and of equal ones the leftmost.
std::vector<BytePairEncoding::Merge> merges_of(const SentencePieceModel& model,
                                               const Vocabulary& vocabulary) {
  std::map<float, std::uint32_t, std::greater<>> ranks;
  for (const auto& [text, id] : vocabulary) ranks[model.pieces[static_cast<std::size_t>(id)].score] = 0;
  std::uint32_t next = 0;
  for (auto& [score, rank] : ranks) rank = next++;
  std::vector<BytePairEncoding::Merge> merges;
  std::set<std::size_t> lengths;  // a long piece has few cuts of pieces
  for (const auto& [text, id] : vocabulary) lengths.insert(text.size());
  std::string left, right;
  for (const auto& [text, id] : vocabulary) {
    const std::uint32_t rank = ranks.at(model.pieces[static_cast<std::size_t>(id)].score);
    for (const std::size_t cut : lengths) {
      if (cut >= text.size()) break;
      if (!lengths.contains(text.size() - cut)) continue;
      const auto first = vocabulary.find(left.assign(text, 0, cut));
      if (first == vocabulary.end()) continue;
      const auto second = vocabulary.find(right.assign(text, cut));
      if (second != vocabulary.end()) merges.push_back({first->second, second->second, id, rank});
    }
  }
  return merges;
}

BytePairEncoding::Unknown unknown_of(const SentencePieceModel& model, const std::string& name) {
  BytePairEncoding::Unknown unknown;
  unknown.piece = model.unknown_id;
  unknown.fuse = true;
  unknown.has_byte_pieces = model.byte_fallback;
  if (!model.byte_fallback) return unknown;
  unknown.byte_pieces.fill(-1);
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    char byte = 0;
    if (model.pieces[i].type == Type::kByte && is_byte_piece(model.pieces[i].text, byte)) {
      unknown.byte_pieces[static_cast<std::uint8_t>(byte)] = static_cast<std::int32_t>(i);
    }
  }
  const auto missing = std::find(unknown.byte_pieces.begin(), unknown.byte_pieces.end(), -1);
  if (missing != unknown.byte_pieces.end()) {
    throw UserError(
        fmt::format("{}: no piece <0x{:02X}> to fall back to", name, missing - unknown.byte_pieces.begin()),
        "the file is damaged");
  }
  return unknown;
}

AddedToken token_of(const SentencePieceModel& model, std::size_t id) {
  AddedToken token;
  token.id = static_cast<std::int32_t>(id);
  token.content = model.pieces[id].text;
  return token;
}

/// What is looked for in texts before anything else: control pieces, the unknown piece, and the tokens beside
/// the model.
std::vector<AddedToken> tokens_in_text(const SentencePieceModel& model, const TokenizerConfig& config) {
  std::vector<AddedToken> tokens;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const Type type = model.pieces[i].type;
    if (type != Type::kControl && type != Type::kUnknown) continue;
    tokens.push_back(token_of(model, i));
    tokens.back().special = true;
  }
  const auto size = static_cast<std::int32_t>(model.pieces.size());
  for (const AddedToken& token : config.added) {
    if (token.id >= size) tokens.push_back(token);
  }
  return tokens;
}

/// Pieces that nothing is joined to: found in a text as it is written, and again once spaces are marks.
std::vector<AddedToken> user_defined(const SentencePieceModel& model) {
  std::vector<AddedToken> tokens;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    if (model.pieces[i].type == Type::kUserDefined) tokens.push_back(token_of(model, i));
  }
  return tokens;
}

std::vector<std::string> texts_of(const SentencePieceModel& model) {
  std::vector<std::string> texts;
  for (const auto& piece : model.pieces) texts.push_back(piece.text);
  return texts;
}

/// The space that the tokenizer put in front of a text: a mark at the beginning of the first piece, or with
/// `all` of as many as come before anything else.
class OwnSpace final : public DecoderStage {
 public:
  OwnSpace(bool all, TextPart part) : all_(all), at_start_(part == TextPart::kWhole) {}
  std::unique_ptr<DecoderStage> fresh(TextPart part) const override {
    return std::make_unique<OwnSpace>(all_, part);
  }
  void add(std::string piece, const Sink& next) override {
    if (at_start_ && piece.starts_with(kSpaceMark)) {
      piece.erase(0, kSpaceMark.size());
      at_start_ = all_;
    }
    at_start_ = at_start_ && piece.empty();
    next(std::move(piece));
  }
  void finish(const Sink&) override {}
  void inside(std::string&) const override {}

 private:
  bool all_, at_start_;
};

TokenDecoder decoder_of(const SentencePieceModel& model) {
  DecoderStages stages;
  if (model.add_dummy_prefix || model.remove_extra_spaces) {
    stages.push_back(std::make_shared<OwnSpace>(model.remove_extra_spaces, TextPart::kWhole));
  }
  stages.push_back(each_piece(space_mark_step(std::string(kSpaceMark), FirstSpace::kOfText)));
  stages.push_back(byte_pieces(BrokenBytes::kEachByte));
  return TokenDecoder(std::move(stages));
}

/// The piece that is named beside the model, else the model's own.
std::optional<std::int32_t> named(const std::optional<std::string>& text, const SentencePieceModel& model,
                                  const std::vector<AddedToken>& added, std::int32_t own) {
  for (std::size_t i = 0; text && i < model.pieces.size(); ++i) {
    if (model.pieces[i].text == *text) return static_cast<std::int32_t>(i);
  }
  for (const AddedToken& token : added) {
    if (text && token.content == *text) return token.id;
  }
  return own < 0 ? std::nullopt : std::optional(own);
}

class SentencePieceTokenizer final : public Tokenizer {
 public:
  SentencePieceTokenizer(const SentencePieceModel& model, const std::string& name,
                         const TokenizerConfig& config)
      : SentencePieceTokenizer(model, name, config, joinable_pieces(model), tokens_in_text(model, config)) {}

  std::vector<std::int32_t> encode(std::string_view text) const override {
    const std::string valid = find_invalid_utf8(text) ? replace_invalid_utf8(text) : std::string();
    if (!valid.empty()) text = valid;
    std::vector<std::int32_t> ids;
    WordCachePool::Lease cache(caches_);
    for (const auto& segment : special_.split(text)) {
      if (segment.id) {
        ids.push_back(*segment.id);
      } else {
        encode_marked(marked(segment.text, segment.text.data() == text.data()), *cache, ids);
      }
    }
    return ids;
  }

  std::unique_ptr<TextStream> stream(TextPart part) const override { return text_.stream(part); }
  std::string piece(std::int32_t id) const override { return text_.piece(id); }
  std::int32_t vocabulary_size() const override { return text_.size(); }
  std::optional<std::int32_t> bos() const override { return bos_; }
  std::optional<std::int32_t> eos() const override { return eos_; }
  std::vector<std::int32_t> prefix() const override {
    return add_bos_ && bos_ ? std::vector{*bos_} : std::vector<std::int32_t>{};
  }
  std::vector<std::int32_t> suffix() const override {
    return add_eos_ && eos_ ? std::vector{*eos_} : std::vector<std::int32_t>{};
  }

 private:
  SentencePieceTokenizer(const SentencePieceModel& model, const std::string& name,
                         const TokenizerConfig& config, Vocabulary vocabulary,
                         const std::vector<AddedToken>& added)
      : special_(added),
        user_defined_(user_defined(model)),
        model_(vocabulary, merges_of(model, vocabulary), BytePairEncoding::Alphabet::kCharacters,
               unknown_of(model, name), BytePairEncoding::WholeWords::kMerge),
        text_(texts_of(model), added, decoder_of(model)),
        bos_(named(config.bos_token, model, added, model.bos_id)),
        eos_(named(config.eos_token, model, added, model.eos_id)),
        add_bos_(config.add_bos.value_or(true)),
        add_eos_(config.add_eos.value_or(false)),
        add_dummy_prefix_(model.add_dummy_prefix),
        remove_extra_spaces_(model.remove_extra_spaces) {}

  void encode_marked(const std::string& text, WordCache& cache, std::vector<std::int32_t>& ids) const {
    for (const auto& part : user_defined_.split(text)) {
      if (part.id) {
        ids.push_back(*part.id);
      } else {
        model_.encode(part.text, cache, ids);
      }
    }
  }

  /// Spaces as marks, with the model's own in front where the text begins; sentencepiece's normalizer.
  std::string marked(std::string_view text, bool at_start) const {
    if (remove_extra_spaces_) text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    std::string out;
    if (text.empty()) return out;
    out.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
    if (add_dummy_prefix_ && at_start) out += kSpaceMark;
    bool space_before = remove_extra_spaces_;
    const auto write = [&](std::string_view part) {
      while (space_before && part.starts_with(' ')) part.remove_prefix(1);
      if (part.empty()) return;
      for (const char c : part) c == ' ' ? out += kSpaceMark : out += c;
      space_before = remove_extra_spaces_ && part.ends_with(' ');
    };
    for (const auto& part : user_defined_.split(text)) {
      if (part.id || !remove_extra_spaces_) {
        write(part.text);
      } else {
        for (std::size_t i = 0; i < part.text.size(); ++i) write(part.text.substr(i, 1));
      }
    }
    while (remove_extra_spaces_ && out.ends_with(kSpaceMark)) out.resize(out.size() - kSpaceMark.size());
    return out;
  }

  AddedTokenFinder special_, user_defined_;
  BytePairEncoding model_;
  VocabularyText text_;
  std::optional<std::int32_t> bos_, eos_;
  bool add_bos_, add_eos_, add_dummy_prefix_, remove_extra_spaces_;
  mutable WordCachePool caches_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_sentencepiece_tokenizer(std::string_view bytes, const std::string& name,
                                                        const TokenizerConfig& config) {
  const SentencePieceModel model = parse_sentencepiece_model(bytes, name);
  refuse_unknown_model(model, name);
  return std::make_unique<SentencePieceTokenizer>(model, name, config);
}

}  // namespace espalier
