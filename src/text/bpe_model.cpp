#include "text/bpe_model.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer_config.h"

namespace espalier {
namespace {

using Vocabulary = BytePairEncoding::Vocabulary;

struct MergePieces {
  std::string left, right;
};

/// "a b", or ["a", "b"] where a piece may hold a space.
MergePieces merge_pieces(const nlohmann::json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (merge.is_string()) {
    const auto& text = merge.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  throw UserError(fmt::format("{}: found {}, expected two pieces", where, merge.dump().substr(0, 60)),
                  "a merge is \"a b\" or [\"a\", \"b\"]");
}

std::int32_t required_id(const Vocabulary& vocabulary, const std::string& piece, const std::string& where) {
  const auto found = vocabulary.find(piece);
  if (found == vocabulary.end()) {
    throw UserError(fmt::format("{}: \"{}\" is not in the vocabulary", where, piece.substr(0, 60)),
                    "the file is damaged, or vocab and merges are of two tokenizers");
  }
  return found->second;
}

std::vector<BytePairEncoding::Merge> parse_merges(const nlohmann::json& model, const Vocabulary& vocabulary,
                                                  const std::string& where) {
  const auto list = model.find("merges");
  if (list == model.end() || !list->is_array()) {
    throw UserError(fmt::format("{}: merges: expected an array", where), kTakeAnew);
  }
  std::vector<BytePairEncoding::Merge> merges;
  merges.reserve(list->size());
  for (const auto& item : *list) {
    const std::string place = fmt::format("{}: merges[{}]", where, merges.size());
    const auto [left, right] = merge_pieces(item, place);
    merges.push_back({required_id(vocabulary, left, place), required_id(vocabulary, right, place),
                      required_id(vocabulary, left + right, place),
                      static_cast<std::uint32_t>(merges.size())});
  }
  return merges;
}

BytePairEncoding::Unknown parse_unknown(JsonObject& options, const Vocabulary& vocabulary) {
  BytePairEncoding::Unknown unknown;
  unknown.fuse = options.boolean("fuse_unk", false);
  if (options.has("unk_token")) {
    const std::string piece = options.string("unk_token");
    const auto found = vocabulary.find(piece);
    found == vocabulary.end() ? void(unknown.missing = piece) : void(unknown.piece = found->second);
  }
  unknown.has_byte_pieces = options.boolean("byte_fallback", false);
  for (std::size_t byte = 0; unknown.has_byte_pieces && byte < 256; ++byte) {
    const auto found = vocabulary.find(fmt::format("<0x{:02X}>", byte));
    unknown.byte_pieces[byte] = found == vocabulary.end() ? -1 : found->second;
  }
  return unknown;
}

/// Options that change what a model does and that no language model of today sets.
void refuse_unknown_options(JsonObject& options) {
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!options.string(key, "").empty()) options.fail(key, "only an empty text is known");
  }
  if (options.number("dropout", {0.0, 1.0}, 0.0) != 0.0) {
    options.fail("dropout", "a tokenizer that draws lots is not known", "set it to null");
  }
}

}  // namespace

Vocabulary parse_vocabulary_object(const nlohmann::json& vocabulary, const std::string& where) {
  if (!vocabulary.is_object() || vocabulary.empty()) {
    throw UserError(fmt::format("{}: vocab: expected an object of pieces and their ids", where), kTakeAnew);
  }
  Vocabulary ids;
  ids.reserve(vocabulary.size());
  for (const auto& [piece, id] : vocabulary.items()) {
    const bool fits = id.is_number_integer() && id >= 0 && id <= kMaxTokenId;
    if (!fits) {
      throw UserError(fmt::format("{}: vocab: \"{}\": found {}, expected an id from 0 to {}", where,
                                  piece.substr(0, 60), id.dump().substr(0, 40), kMaxTokenId),
                      kTakeAnew);
    }
    ids.emplace(piece, id.get<std::int32_t>());
  }
  return ids;
}

BytePairEncoding parse_bpe_model(const nlohmann::json& model, const Vocabulary& vocabulary,
                                 BytePairEncoding::Alphabet alphabet, const std::string& where) {
  nlohmann::json small = nlohmann::json::object();  // without the two long lists
  for (const auto& [key, value] : model.items()) {
    if (key != "vocab" && key != "merges") small[key] = value;
  }
  JsonObject options(std::move(small), where);
  refuse_unknown_options(options);
  const auto merges = parse_merges(model, vocabulary, where);
  const auto unknown = parse_unknown(options, vocabulary);
  const auto whole_words = options.boolean("ignore_merges", false) ? BytePairEncoding::WholeWords::kLookUp
                                                                   : BytePairEncoding::WholeWords::kMerge;
  if (alphabet == BytePairEncoding::Alphabet::kCharacters) {
    return {vocabulary, merges, alphabet, unknown, whole_words};
  }
  Vocabulary by_bytes;
  by_bytes.reserve(vocabulary.size());
  for (const auto& [piece, id] : vocabulary) {
    if (auto bytes = spelled_bytes(piece)) by_bytes.emplace(std::move(*bytes), id);
  }
  return {std::move(by_bytes), merges, alphabet, unknown, whole_words};
}

}  // namespace espalier
