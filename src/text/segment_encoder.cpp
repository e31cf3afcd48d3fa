#include "text/segment_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "text/bpe_model.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_component.h"
#include "text/wordpiece.h"

namespace espalier {
namespace {

struct BpeSegments {
  PreTokenizer pre_tokenizer;
  BytePairEncoding model;
  mutable WordCachePool caches;

  BpeSegments(PreTokenizer pre, BytePairEncoding bpe)
      : pre_tokenizer(std::move(pre)), model(std::move(bpe)) {}

  void encode(std::string text, SegmentPlace place, std::vector<std::int32_t>& ids) const {
    SplitText split;
    split.words = {{0, text.size()}};
    split.text = std::move(text);
    split.at_start = place == SegmentPlace::kAtStart;
    pre_tokenizer.split(split);
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

std::vector<std::string> dense_pieces(const BytePairEncoding::Vocabulary& vocabulary,
                                      const std::string& where) {
  std::vector<std::string> pieces(vocabulary.size());
  for (const auto& [piece, id] : vocabulary) {
    if (static_cast<std::size_t>(id) >= pieces.size()) {
      throw UserError(fmt::format("{}: vocab: id {} of {} pieces", where, id, pieces.size()),
                      "the ids of a WordPiece vocabulary are 0, 1, 2, ..");
    }
    pieces[static_cast<std::size_t>(id)] = piece;
  }
  return pieces;
}

WordPiece::Options word_piece_options(JsonObject& normalizer, JsonObject& model) {
  WordPiece::Options options;
  options.lower_case = normalizer.boolean("lowercase", true);
  options.split_cjk = normalizer.boolean("handle_chinese_chars", true);
  if (!normalizer.boolean("clean_text", true)) normalizer.fail("clean_text", "only true is known");
  if (normalizer.boolean("strip_accents", options.lower_case) != options.lower_case) {
    normalizer.fail("strip_accents", "known only together with lowercase");
  }
  if (model.string("continuing_subword_prefix", "##") != "##") {
    model.fail("continuing_subword_prefix", "only \"##\" is known");
  }
  if (model.string("unk_token", "[UNK]") != "[UNK]") model.fail("unk_token", "only \"[UNK]\" is known");
  options.max_word_characters = static_cast<int>(model.integer("max_input_chars_per_word", {1, 10'000}, 100));
  return options;
}

/// BERT's own normalizer and pre-tokenizer are one with its WordPiece here.
SegmentEncoder make_word_piece(const nlohmann::json& root, const BytePairEncoding::Vocabulary& vocabulary,
                               const std::string& name) {
  auto normalizer = open_component(root.value("normalizer", nlohmann::json()), name + ": normalizer", 0);
  auto splitter = open_component(root.value("pre_tokenizer", nlohmann::json()), name + ": pre_tokenizer", 0);
  if (normalizer.type != "BertNormalizer") {
    unknown_component(normalizer.type, name + ": normalizer",
                      "BertNormalizer, with a model of type WordPiece");
  }
  if (splitter.type != "BertPreTokenizer") {
    unknown_component(splitter.type, name + ": pre_tokenizer",
                      "BertPreTokenizer, with a model of type WordPiece");
  }
  JsonObject model(root.at("model"), name + ": model");
  const auto options = word_piece_options(normalizer.options, model);
  auto pieces = std::make_shared<const WordPiece>(
      WordPiece::from_pieces(dense_pieces(vocabulary, name + ": model"), options));
  return [pieces](const std::string& text, SegmentPlace, std::vector<std::int32_t>& ids) {
    pieces->encode(text, ids);
  };
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

SegmentEncoder make_segment_encoder(const nlohmann::json& root,
                                    const BytePairEncoding::Vocabulary& vocabulary, const std::string& name) {
  const std::string type = model_type(root, name);
  if (type == "BPE") return make_bpe(root, vocabulary, name);
  if (type == "WordPiece") return make_word_piece(root, vocabulary, name);
  unknown_component(type, name + ": model", "BPE, WordPiece");
}

}  // namespace espalier
