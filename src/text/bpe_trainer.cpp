#include "text/bpe_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/pair_merger.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

constexpr std::int32_t kFirstByte = 2;  // behind BOS and EOS

/// The pieces by id, and the merges that make them.
struct Pieces {
  std::vector<std::string> texts;
  std::array<std::int32_t, 256> of_byte{};
  std::vector<std::pair<std::int32_t, std::int32_t>> merges;
};

Pieces first_pieces(const BpeTraining& options) {
  Pieces pieces;
  pieces.texts = {options.bos, options.eos};
  std::vector<std::pair<std::string, int>> letters;
  for (int byte = 0; byte < 256; ++byte)
    letters.emplace_back(byte_letter(static_cast<std::uint8_t>(byte)), byte);
  std::sort(letters.begin(), letters.end());
  for (const auto& [letter, byte] : letters) {
    pieces.of_byte[static_cast<std::size_t>(byte)] = static_cast<std::int32_t>(pieces.texts.size());
    pieces.texts.push_back(letter);
  }
  return pieces;
}

std::vector<PairMerger::Word> words_of(const BpeWordCounts& counts, const Pieces& pieces) {
  std::vector<std::pair<std::string_view, std::uint64_t>> sorted(counts.counts().begin(),
                                                                 counts.counts().end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<PairMerger::Word> words;
  for (const auto& [text, count] : sorted) {
    PairMerger::Word word;
    word.count = count;
    for (const char c : text) word.symbols.push_back(pieces.of_byte[static_cast<std::uint8_t>(c)]);
    words.push_back(std::move(word));
  }
  return words;
}

void join_pairs(Pieces& pieces, PairMerger& merger, std::size_t size, const ProgressSink& progress) {
  std::unordered_map<std::string, std::int32_t> ids;
  for (std::size_t i = 0; i < pieces.texts.size(); ++i)
    ids.emplace(pieces.texts[i], static_cast<std::int32_t>(i));
  while (pieces.texts.size() < size) {
    const auto pair = merger.best();
    if (!pair) break;
    auto text = pieces.texts[static_cast<std::size_t>(pair->left)] +
                pieces.texts[static_cast<std::size_t>(pair->right)];
    // Two pairs may spell the same piece; it then gets one id.
    const auto [found, is_new] = ids.try_emplace(text, static_cast<std::int32_t>(pieces.texts.size()));
    if (is_new) pieces.texts.push_back(std::move(text));
    merger.join(*pair, found->second);
    pieces.merges.emplace_back(pair->left, pair->right);
    if (progress && pieces.texts.size() % 64 == 0)
      progress({"training vocabulary", pieces.texts.size(), size, "pieces"});
  }
  if (progress) progress({"training vocabulary", pieces.texts.size(), pieces.texts.size(), "pieces"});
}

ordered_json added_token(std::int32_t id, const std::string& text) {
  return {{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

ordered_json byte_level(bool trim_offsets) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", trim_offsets},
          {"use_regex", true}};
}

ordered_json tokenizer_json(const Pieces& pieces, const BpeTraining& options) {
  ordered_json vocabulary = ordered_json::object(), merges = ordered_json::array();
  for (std::size_t i = 0; i < pieces.texts.size(); ++i) vocabulary[pieces.texts[i]] = i;
  for (const auto& [left, right] : pieces.merges)
    merges.push_back(pieces.texts[static_cast<std::size_t>(left)] + " " +
                     pieces.texts[static_cast<std::size_t>(right)]);
  const ordered_json bos = {{"SpecialToken", {{"id", options.bos}, {"type_id", 0}}}};
  const auto text = [](const char* name, int type) {
    return ordered_json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  return {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", {added_token(0, options.bos), added_token(1, options.eos)}},
      {"normalizer", nullptr},
      {"pre_tokenizer", byte_level(true)},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", ordered_json::array({bos, text("A", 0)})},
        {"pair", ordered_json::array({bos, text("A", 0), text("B", 1)})},
        {"special_tokens", {{options.bos, {{"id", options.bos}, {"ids", {0}}, {"tokens", {options.bos}}}}}}}},
      {"decoder", byte_level(true)},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"ignore_merges", false},
        {"vocab", std::move(vocabulary)},
        {"merges", std::move(merges)}}}};
}

}  // namespace

BpeWordCounts::BpeWordCounts()
    : pre_tokenizer_(make_pre_tokenizer({{"type", "ByteLevel"}, {"add_prefix_space", false}}, "")) {}

void BpeWordCounts::add(std::string_view text) {
  SplitText split;
  split.text = text;
  split.words = {{0, text.size()}};
  pre_tokenizer_.split(split);
  for (std::size_t i = 0; i < split.words.size(); ++i) ++counts_[std::string(split.word(i))];
}

BpeTokenizer train_bpe(const BpeWordCounts& counts, const BpeTraining& options,
                       const ProgressSink& progress) {
  if (counts.counts().empty())
    throw UserError("the text to train a vocabulary from has no words", "give files with text in them");
  auto pieces = first_pieces(options);
  if (options.vocabulary_size < static_cast<std::int32_t>(pieces.texts.size()))
    throw UserError(fmt::format("a vocabulary of {} pieces cannot hold the 256 bytes, BOS and EOS",
                                options.vocabulary_size),
                    fmt::format("ask for {} or more", pieces.texts.size()));
  WordPieceTraining by_frequency;
  by_frequency.min_pair_count = options.min_pair_count;
  PairMerger merger(words_of(counts, pieces), kFirstByte + 256, by_frequency);
  join_pairs(pieces, merger, static_cast<std::size_t>(options.vocabulary_size), progress);
  BpeTokenizer made;
  made.pieces = static_cast<std::int32_t>(pieces.texts.size());
  made.tokenizer = tokenizer_json(pieces, options);
  made.config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"bos_token", options.bos},
                 {"eos_token", options.eos},
                 {"add_bos_token", true},
                 {"add_eos_token", false},
                 {"clean_up_tokenization_spaces", false}};
  return made;
}

}  // namespace espalier
