#include "text/sentencepiece_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

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
  std::string left, right;
  for (const auto& [text, id] : vocabulary) {
    const std::uint32_t rank = ranks.at(model.pieces[static_cast<std::size_t>(id)].score);
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      if ((static_cast<std::uint8_t>(text[cut]) & 0xC0u) == 0x80u) continue;
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

/// Control pieces and the unknown piece, which are special, user-defined ones, and the configuration's own.
std::vector<AddedToken> tokens_in_text(const SentencePieceModel& model, const TokenizerConfig& config) {
  std::vector<AddedToken> tokens;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const auto& [text, score, type] = model.pieces[i];
    if (type == Type::kNormal || type == Type::kByte) continue;
    AddedToken token;
    token.id = static_cast<std::int32_t>(i);
    token.content = text;
    token.special = type != Type::kUserDefined;
    tokens.push_back(std::move(token));
  }
  const auto size = static_cast<std::int32_t>(model.pieces.size());
  for (const AddedToken& token : config.added) {
    if (token.id >= size) tokens.push_back(token);
  }
  return tokens;
}

std::vector<std::string> texts_of(const SentencePieceModel& model) {
  std::vector<std::string> texts;
  for (const auto& piece : model.pieces) texts.push_back(piece.text);
  return texts;
}

TokenDecoder decoder_of(const SentencePieceModel& model) {
  using Steps = std::vector<TokenDecoder::Step>;
  const auto drop_own_space = [](std::vector<std::string>& pieces, TokenDecoder::Place place) {
    if (place == TokenDecoder::Place::kWhole && !pieces.empty() && pieces[0].starts_with(' ')) {
      pieces[0].erase(0, 1);
    }
  };
  Steps steps = {space_mark_step(std::string(kSpaceMark), FirstSpace::kOfText), byte_piece_step()};
  if (model.add_dummy_prefix) steps.push_back(drop_own_space);
  return TokenDecoder(std::move(steps));
}

std::optional<std::int32_t> some(std::int32_t id) {
  return id < 0 ? std::nullopt : std::optional(id);
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
        model_.encode(marked(segment.text, segment.text.data() == text.data()), *cache, ids);
      }
    }
    return ids;
  }

  std::string decode(std::span<const std::int32_t> ids) const override { return text_.decode(ids); }
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
        model_(vocabulary, merges_of(model, vocabulary), BytePairEncoding::Alphabet::kCharacters,
               unknown_of(model, name), BytePairEncoding::WholeWords::kMerge),
        text_(texts_of(model), added, decoder_of(model)),
        bos_(some(model.bos_id)),
        eos_(some(model.eos_id)),
        add_bos_(config.add_bos.value_or(true)),
        add_eos_(config.add_eos.value_or(false)),
        add_dummy_prefix_(model.add_dummy_prefix),
        remove_extra_spaces_(model.remove_extra_spaces) {}

  /// Spaces as marks, with the model's own in front where the text begins.
  std::string marked(std::string_view text, bool at_start) const {
    std::string out;
    out.reserve(text.size() + text.size() / 2 + kSpaceMark.size());
    if (remove_extra_spaces_) {
      while (text.starts_with(' ')) text.remove_prefix(1);
      while (text.ends_with(' ')) text.remove_suffix(1);
    }
    if (add_dummy_prefix_ && at_start && !text.empty()) out += kSpaceMark;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != ' ') {
        out += text[i];
      } else if (!remove_extra_spaces_ || text[i - 1] != ' ') {
        out += kSpaceMark;
      }
    }
    return out;
  }

  AddedTokenFinder special_;
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
