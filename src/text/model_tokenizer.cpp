#include "text/model_tokenizer.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

fs::path vocabulary_of(const fs::path& model_or_vocabulary) {
  if (!fs::is_directory(model_or_vocabulary)) return model_or_vocabulary;
  const fs::path file = model_or_vocabulary / "vocab.txt";
  if (!fs::exists(file)) {
    throw UserError(fmt::format("{}: the folder has no vocab.txt", model_or_vocabulary.string()),
                    "copy the vocabulary the model was trained with into the folder as vocab.txt");
  }
  return file;
}

/// Other keys of tokenizer_config.json are other programs' business.
bool lower_case_of(const fs::path& folder) {
  const fs::path file = folder / "tokenizer_config.json";
  if (!fs::is_directory(folder) || !fs::exists(file)) return true;
  return JsonObject(read_json(file), file.string()).boolean("do_lower_case", true);
}

}  // namespace

WordPiece load_tokenizer(const fs::path& model_or_vocabulary, LetterCase letter_case,
                         WordPiece::SpecialTokens special_tokens) {
  const bool lower_case = letter_case == LetterCase::kAsTrained && lower_case_of(model_or_vocabulary);
  return WordPiece::load(vocabulary_of(model_or_vocabulary),
                         {.lower_case = lower_case, .special_tokens = special_tokens});
}

void copy_tokenizer(const fs::path& model_or_vocabulary, const fs::path& folder) {
  write_file(folder / "vocab.txt", read_file(vocabulary_of(model_or_vocabulary)));
  nlohmann::json config{{"tokenizer_class", "BertTokenizer"}};
  const fs::path file = model_or_vocabulary / "tokenizer_config.json";
  if (fs::is_directory(model_or_vocabulary) && fs::exists(file)) config = read_json(file);
  config.emplace("do_lower_case", true);
  write_file(folder / "tokenizer_config.json", dump_json(config));
}

std::int32_t required_piece(const WordPiece& tokenizer, std::string_view piece,
                            const fs::path& model_or_vocabulary) {
  const std::int32_t id = tokenizer.id(piece);
  if (id < 0) {
    throw UserError(
        fmt::format("{}: the vocabulary has no piece {}", vocabulary_of(model_or_vocabulary).string(), piece),
        "is it the vocabulary of a BERT model?");
  }
  return id;
}

}  // namespace espalier
