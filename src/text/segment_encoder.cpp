#include "text/segment_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "text/bert_normalizer.h"
#include "text/bpe_model.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_component.h"
#include "text/utf8.h"
#include "text/wordpiece.h"
#include "text/wordpiece_model.h"

namespace espalier {
namespace {

SplitText words_of(const PreTokenizer& pre_tokenizer, std::string text, SegmentPlace place) {
  SplitText split;
  split.words = {{0, text.size()}};
  split.text = std::move(text);
  split.at_start = place == SegmentPlace::kAtStart;
  pre_tokenizer.split(split);
  return split;
}

struct BpeSegments {
  PreTokenizer pre_tokenizer;
  BytePairEncoding model;
  mutable WordCachePool caches;

  BpeSegments(PreTokenizer pre, BytePairEncoding bpe)
      : pre_tokenizer(std::move(pre)), model(std::move(bpe)) {}

  void encode(std::string text, SegmentPlace place, std::vector<std::int32_t>& ids) const {
    const SplitText split = words_of(pre_tokenizer, std::move(text), place);
    WordCachePool::Lease cache(caches);
    for (std::size_t i = 0; i < split.words.size(); ++i) model.encode(split.word(i), *cache, ids);
  }
};

SegmentEncoder make_bpe(const nlohmann::json& root, const BytePairEncoding::Vocabulary& vocabulary,
                        const std::string& name) {
  auto pre_tokenizer =
      make_pre_tokenizer(root.value("pre_tokenizer", nlohmann::json()), name + ": pre_tokenizer");
  const auto alphabet =
      pre_tokenizer.byte_level ? BytePairEncoding::Alphabet::kBytes : BytePairEncoding::Alphabet::kCharacters;
  auto segments = std::make_shared<const BpeSegments>(
      std::move(pre_tokenizer), parse_bpe_model(root.at("model"), vocabulary, alphabet, name + ": model"));
  return [segments](std::string text, SegmentPlace place, std::vector<std::int32_t>& ids) {
    segments->encode(std::move(text), place, ids);
  };
}

std::vector<std::string> pieces_of(const BytePairEncoding::Vocabulary& vocabulary) {
  std::vector<std::string> pieces;
  for (const auto& [piece, id] : vocabulary) {
    const auto index = static_cast<std::size_t>(id);
    if (index >= pieces.size()) pieces.resize(index + 1);
    pieces[index] = piece;
  }
  return pieces;
}

/// WordPiece on the words of any normalizer and pre-tokenizer.
struct WordPieceSegments {
  PreTokenizer pre_tokenizer;
  WordPieceModel model;
  std::size_t most_characters;

  void encode(std::string text, SegmentPlace place, std::vector<std::int32_t>& ids) const {
    const SplitText split = words_of(pre_tokenizer, std::move(text), place);
    for (std::size_t i = 0; i < split.words.size(); ++i) {
      if (count_code_points(split.word(i)) > most_characters) {
        ids.push_back(model.unknown());
      } else {
        model.encode(split.word(i), ids);
      }
    }
  }
};

struct WordPieceJson {
  std::string unknown, continuation;
  int most_characters;
};

WordPieceJson parse_word_piece(const nlohmann::json& root, const std::string& name) {
  nlohmann::json small = root.at("model");
  small.erase("vocab");
  JsonObject model(std::move(small), name + ": model");
  return {model.string("unk_token", "[UNK]"), model.string("continuing_subword_prefix", "##"),
          static_cast<int>(model.integer("max_input_chars_per_word", {0, 1'000'000}, 100))};
}

/// BERT's own normalizer and pre-tokenizer in one with its WordPiece.
SegmentEncoder make_bert(const nlohmann::json& root, const BytePairEncoding::Vocabulary& vocabulary,
                         const WordPieceJson& model, const std::string& name) {
  JsonObject normalizer(root.at("normalizer"), name + ": normalizer");
  const auto bert = parse_bert_normalizer(normalizer);
  WordPiece::Options options;
  options.lower_case = bert.characters.lower_case;
  options.strip_accents = bert.characters.strip_accents;
  options.clean_text = bert.characters.clean;
  options.split_cjk = bert.split_cjk;
  options.max_word_characters = model.most_characters;
  options.continuation = model.continuation;
  options.special.unk = model.unknown;
  auto pieces = std::make_shared<const WordPiece>(
      WordPiece::from_checked(pieces_of(vocabulary), options, name + ": model"));
  return [pieces](const std::string& text, SegmentPlace, std::vector<std::int32_t>& ids) {
    pieces->encode(text, ids);
  };
}

SegmentEncoder make_word_piece(const nlohmann::json& root, const BytePairEncoding::Vocabulary& vocabulary,
                               NormalizerOfWords normalizer, const std::string& name) {
  const WordPieceJson model = parse_word_piece(root, name);
  if (normalizer == NormalizerOfWords::kOfModel) return make_bert(root, vocabulary, model, name);
  const auto unknown = vocabulary.find(model.unknown);
  if (unknown == vocabulary.end()) {
    throw UserError(fmt::format("{}: model: unk_token: \"{}\" is not in the vocabulary", name, model.unknown),
                    "add it to the vocabulary, or name a piece that is there");
  }
  auto pre_tokenizer =
      make_pre_tokenizer(root.value("pre_tokenizer", nlohmann::json()), name + ": pre_tokenizer");
  if (pre_tokenizer.byte_level) {
    throw UserError(fmt::format("{}: pre_tokenizer: ByteLevel is not known beside WordPiece", name),
                    "such a tokenizer is not read; convert it to BPE");
  }
  auto segments = std::make_shared<const WordPieceSegments>(WordPieceSegments{
      std::move(pre_tokenizer), WordPieceModel(pieces_of(vocabulary), unknown->second, model.continuation),
      static_cast<std::size_t>(model.most_characters)});
  return [segments](std::string text, SegmentPlace place, std::vector<std::int32_t>& ids) {
    segments->encode(std::move(text), place, ids);
  };
}

bool is_component(const nlohmann::json& root, const char* key, std::string_view type) {
  const auto found = root.find(key);
  return found != root.end() && found->is_object() && found->value("type", nlohmann::json()) == type;
}

}  // namespace

std::string model_type(const nlohmann::json& root, const std::string& name) {
  const auto model = root.find("model");
  if (model == root.end() || !model->is_object()) {
    throw UserError(fmt::format("{}: model: missing", name), "is it a tokenizer.json?");
  }
  const auto type = model->find("type");
  if (type != model->end() && type->is_string()) return type->get<std::string>();
  return model->contains("merges") ? "BPE" : "WordPiece";
}

bool splits_as_bert(const nlohmann::json& root, const std::string& name) {
  return model_type(root, name) == "WordPiece" && is_component(root, "normalizer", "BertNormalizer") &&
         is_component(root, "pre_tokenizer", "BertPreTokenizer");
}

SegmentEncoder make_segment_encoder(const nlohmann::json& root,
                                    const BytePairEncoding::Vocabulary& vocabulary,
                                    NormalizerOfWords normalizer, const std::string& name) {
  const std::string type = model_type(root, name);
  if (type == "BPE") return make_bpe(root, vocabulary, name);
  if (type == "WordPiece") return make_word_piece(root, vocabulary, normalizer, name);
  unknown_component(type, name + ": model", "BPE, WordPiece");
}

}  // namespace espalier
