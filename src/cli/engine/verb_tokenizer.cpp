#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "data/vocabulary_training.h"
#include "text/vocabulary_file.h"

namespace espalier {
namespace {

struct TokenizerArguments {
  WordPieceTraining training;
  std::string kind = "wordpiece";
  std::vector<std::string> files;
  std::string out;
  std::string score = "frequency";
  bool keep_case = false, keep_cjk_words = false;
};

void print_made(const GlobalOptions& global, const TokenizerArguments& arguments, std::size_t pieces,
                bool lower_case) {
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.vocabulary/1"},
                                         {"vocabulary", arguments.out},
                                         {"kind", arguments.kind},
                                         {"pieces", pieces},
                                         {"lower_case", lower_case}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  const auto asked = static_cast<std::size_t>(arguments.training.vocabulary_size);
  std::cout << fmt::format("{}: {} pieces{}\n", arguments.out, grouped_text(pieces),
                           pieces < asked ? "; the text has no more pairs to join" : "");
}

/// --out is tokenizer.json; tokenizer_config.json goes beside it.
void train_bytes(const TokenizerArguments& arguments, const GlobalOptions& global) {
  const std::filesystem::path out = arguments.out;
  if (out.extension() != ".json")
    throw UserError(fmt::format("--out {}: a byte-level tokenizer is a .json file", arguments.out),
                    "name it tokenizer.json, which is what programs look for");
  const std::vector<std::filesystem::path> files(arguments.files.begin(), arguments.files.end());
  const Terminal terminal(global);
  std::filesystem::create_directories(std::filesystem::absolute(out).parent_path());
  const auto made = train_bpe(files,
                              {.vocabulary_size = arguments.training.vocabulary_size,
                               .min_pair_count = arguments.training.min_pair_count},
                              terminal.progress());
  terminal.finish();
  write_file(out, made.tokenizer.dump(1) + "\n");
  write_file(out.parent_path() / "tokenizer_config.json", made.config.dump(2) + "\n");
  print_made(global, arguments, static_cast<std::size_t>(made.pieces), false);
}

void run_train(TokenizerArguments arguments, const GlobalOptions& global) {
  if (arguments.kind == "bpe") return train_bytes(arguments, global);
  WordPieceTraining& training = arguments.training;
  training.lower_case = !arguments.keep_case;
  training.split_cjk = !arguments.keep_cjk_words;
  training.score = arguments.score == "likelihood" ? WordPieceTraining::Score::kLikelihood
                                                   : WordPieceTraining::Score::kFrequency;
  const std::vector<std::filesystem::path> files(arguments.files.begin(), arguments.files.end());
  const Terminal terminal(global);
  const auto pieces = train_wordpiece(files, training, terminal.progress());
  terminal.finish();
  write_vocabulary(arguments.out, pieces);
  print_made(global, arguments, pieces.size(), training.lower_case);
}

void add_train(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<TokenizerArguments>();
  auto& training = arguments->training;
  app.add_option("files", arguments->files, "text files (plain, .gz, .zst)")->required()->type_name("FILE");
  app.add_option("--kind", arguments->kind,
                 "wordpiece (vocab.txt of encoders) or bpe (tokenizer.json, byte-level)")
      ->capture_default_str()
      ->check(CLI::IsMember({"wordpiece", "bpe"}).description(""))
      ->type_name("NAME");
  app.add_option("--vocab-size", training.vocabulary_size, "pieces, the special ones included")
      ->required()
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->type_name("N");
  app.add_option("--out", arguments->out, "vocab.txt or tokenizer.json to write")
      ->required()
      ->type_name("FILE");
  app.add_option("--limit-alphabet", training.limit_alphabet, "keep at most this many characters")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->type_name("N");
  app.add_option("--min-character-count", training.min_character_count, "keep no character that is rarer")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->type_name("N");
  app.add_option("--min-pair-count", training.min_pair_count, "join no pair that is rarer")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->type_name("N");
  app.add_option("--score", arguments->score, "which pair is joined next: frequency or likelihood")
      ->capture_default_str()
      ->check(CLI::IsMember({"frequency", "likelihood"}).description(""))
      ->type_name("NAME");
  app.add_option("--max-word-characters", training.max_word_characters, "longer words are not looked at")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->type_name("N");
  app.add_flag("--keep-case", arguments->keep_case, "neither lower-case nor strip accents");
  app.add_flag("--keep-cjk-words", arguments->keep_cjk_words, "no spaces around CJK ideographs");
  app.footer("Example:\n  espalier tokenizer train wordnet.txt gcide.txt --vocab-size 8192 --out vocab.txt");
  app.callback([arguments, &global] { run_train(*arguments, global); });
}

}  // namespace

void add_tokenizer(CLI::App& app, const GlobalOptions& global) {
  app.require_subcommand(1);
  app.footer(
      "Example:\n  espalier tokenizer train a.txt --vocab-size 8192 --out vocab.txt\n\n"
      "`espalier tokenizer train --help` lists its options.");
  add_train(*app.add_subcommand("train", "train a tokenizer on text"), global);
}

}  // namespace espalier
