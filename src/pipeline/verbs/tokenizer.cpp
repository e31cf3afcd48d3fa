#include "pipeline/verbs/tokenizer.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "data/vocabulary_training.h"
#include "pipeline/make_verb.h"
#include "report/quantities.h"
#include "text/vocabulary_file.h"

namespace espalier::pipeline {
namespace {

TokenizerSummary train_bytes(const TokenizerOptions& options, const RunContext& context) {
  const std::filesystem::path& out = options.out;
  const WordPieceTraining& training = options.training;
  if (out.extension() != ".json")
    throw UserError(fmt::format("--out {}: a byte-level tokenizer is a .json file", out.string()),
                    "name it tokenizer.json, which is what programs look for");
  std::filesystem::create_directories(std::filesystem::absolute(out).parent_path());
  const auto made = train_bpe(
      options.files, {.vocabulary_size = training.vocabulary_size, .min_pair_count = training.min_pair_count},
      context.progress);
  write_file(out, made.tokenizer.dump(1) + "\n");
  write_file(out.parent_path() / "tokenizer_config.json", made.config.dump(2) + "\n");
  return {out, options.form, static_cast<std::size_t>(made.pieces),
          static_cast<std::size_t>(training.vocabulary_size), false};
}

}  // namespace

void describe(options::OptionTable& table, TokenizerOptions& options) {
  constexpr double kMost = 1 << 30;
  WordPieceTraining& training = options.training;
  table.positional("files", options.files, "FILE", "text files (plain, .gz, .zst)").require();
  table.choice("kind", options.form, "NAME",
               {{"wordpiece", TokenizerForm::kWordPiece}, {"bpe", TokenizerForm::kBytes}},
               "wordpiece (vocab.txt of encoders) or bpe (tokenizer.json, byte-level)");
  table.add("vocab-size", training.vocabulary_size, "N", "pieces, the special ones included")
      .between(1, kMost)
      .shows("")
      .require();
  table.add("out", options.out, "FILE", "vocab.txt or tokenizer.json to write").require().makes_its_folder();
  table.add("limit-alphabet", training.limit_alphabet, "N", "keep at most this many characters")
      .between(1, kMost);
  table.add("min-character-count", training.min_character_count, "N", "keep no character that is rarer")
      .between(1, kMost);
  table.add("min-pair-count", training.min_pair_count, "N", "join no pair that is rarer").between(1, kMost);
  table.choice("score", training.score, "NAME",
               {{"frequency", WordPieceTraining::Score::kFrequency},
                {"likelihood", WordPieceTraining::Score::kLikelihood}},
               "which pair is joined next");
  table.add("max-word-characters", training.max_word_characters, "N", "longer words are not looked at")
      .between(1, kMost);
  table.flag("keep-case", training.lower_case, false, "neither lower-case nor strip accents");
  table.flag("keep-cjk-words", training.split_cjk, false, "no spaces around CJK ideographs");
}

TokenizerSummary train_tokenizer(const TokenizerOptions& options, const RunContext& context) {
  if (options.form == TokenizerForm::kBytes) return train_bytes(options, context);
  const auto pieces = train_wordpiece(options.files, options.training, context.progress);
  write_vocabulary(options.out, pieces);
  return {options.out, options.form, pieces.size(),
          static_cast<std::size_t>(options.training.vocabulary_size), options.training.lower_case};
}

nlohmann::ordered_json to_json(const TokenizerSummary& summary) {
  return {{"format", "espalier.vocabulary/1"},
          {"vocabulary", summary.vocabulary.string()},
          {"kind", summary.form == TokenizerForm::kBytes ? "bpe" : "wordpiece"},
          {"pieces", summary.pieces},
          {"lower_case", summary.lower_case}};
}

std::string to_text(const TokenizerSummary& summary) {
  return fmt::format("{}: {} pieces{}\n", summary.vocabulary.string(), grouped_text(summary.pieces),
                     summary.pieces < summary.asked ? "; the text has no more pairs to join" : "");
}

Verb tokenizer_verb() {
  return make_verb(
      {"tokenizer train", "train a WordPiece vocabulary or a byte-level BPE tokenizer",
       "Example:\n  espalier tokenizer train wordnet.txt gcide.txt --vocab-size 8192 --out vocab.txt", 110},
      train_tokenizer);
}

}  // namespace espalier::pipeline
