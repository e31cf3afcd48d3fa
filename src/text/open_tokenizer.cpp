#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "base/files.h"
#include "base/foreign_file.h"
#include "base/links.h"
#include "text/model_tokenizer.h"
#include "text/sentencepiece_tokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/wordpiece_tokenizer.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

TokenizerKind kind_of(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.ends_with(".json")) return TokenizerKind::kJson;
  if (name.ends_with(".txt")) return TokenizerKind::kVocabulary;
  return TokenizerKind::kSentencePiece;  // tokenizer.model, and Mistral's tokenizer.model.v3
}

}  // namespace

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  const auto growing = stream(TextPart::kWhole);
  std::string text;
  for (const std::int32_t id : ids) text += growing->add(id);
  return text + growing->finish();
}

TokenizerFile find_tokenizer(const fs::path& model_or_file) {
  if (!fs::is_directory(model_or_file)) return {kind_of(model_or_file), model_or_file};
  static constexpr std::array<const char*, 5> kNames = {
      "tokenizer.json", "tokenizer.model", "tokenizer.model.v3", "tokenizer.model.v2", "vocab.txt"};
  for (const char* name : kNames) {
    if (is_named(model_or_file / name)) return {kind_of(name), model_or_file / name};
  }
  throw UserError(fmt::format("{}: the folder has no tokenizer.json, tokenizer.model or vocab.txt",
                              model_or_file.string()),
                  "copy the tokenizer that the model was trained with into the folder");
}

std::unique_ptr<Tokenizer> open_tokenizer(const fs::path& model_or_file) {
  const auto [kind, file] = find_tokenizer(model_or_file);
  const std::string name = file.string();
  if (kind == TokenizerKind::kVocabulary) {
    return make_wordpiece_tokenizer(
        load_tokenizer(model_or_file, LetterCase::kAsTrained, WordPiece::SpecialTokens::kRecognized));
  }
  const std::string content = read_file(file);
  refuse_foreign_or_page(content, name);
  const TokenizerConfig config = read_tokenizer_config(file.parent_path());
  return kind == TokenizerKind::kJson ? make_json_tokenizer(content, name, config)
                                      : make_sentencepiece_tokenizer(content, name, config);
}

}  // namespace espalier
