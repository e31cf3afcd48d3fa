#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "data/documents.h"
#include "data/text_file.h"
#include "data/token_sequences.h"
#include "text/model_tokenizer.h"
#include "text/tokenizer.h"
#include "text/wordpiece_tokenizer.h"

namespace espalier {
namespace {

struct TokenizeArguments {
  std::string model, text, field = "text", decode, out;
  std::size_t max_tokens = 0;  // 0: no limit
  bool no_special = false, keep_case = false, recognize_special = false, whole_file = false;
};

/// What was written.
struct Counts {
  std::size_t sequences = 0, tokens = 0, cut = 0;
};

/// The options of a vocab.txt have no meaning for tokenizers that say all of it themselves.
std::unique_ptr<Tokenizer> open(const TokenizeArguments& arguments) {
  const auto [kind, file] = find_tokenizer(arguments.model);
  if (kind != TokenizerKind::kVocabulary) {
    if (arguments.keep_case || arguments.recognize_special) {
      throw UserError(
          fmt::format("{}: --keep-case and --recognize-special are for a vocab.txt", file.string()),
          "this tokenizer says itself what it does about case and special tokens");
    }
    return open_tokenizer(arguments.model);
  }
  const auto letter_case = arguments.keep_case ? LetterCase::kKeep : LetterCase::kAsTrained;
  const auto special =
      arguments.recognize_special ? WordPiece::SpecialTokens::kRecognized : WordPiece::SpecialTokens::kAsText;
  WordPiece pieces = load_tokenizer(arguments.model, letter_case, special);
  if (!arguments.no_special && arguments.decode.empty()) {
    required_piece(pieces, "[CLS]", arguments.model);
    required_piece(pieces, "[SEP]", arguments.model);
  }
  return make_wordpiece_tokenizer(std::move(pieces));
}

/// Writes sequences one by one, as a text of any size needs the memory of a line.
class SequenceWriter {
 public:
  SequenceWriter(const TokenizeArguments& arguments, const Tokenizer& tokenizer)
      : tokenizer_(tokenizer), max_tokens_(arguments.max_tokens), output_(arguments.out) {
    if (!arguments.no_special) {
      prefix_ = tokenizer.prefix();
      suffix_ = tokenizer.suffix();
    }
    const std::size_t special = prefix_.size() + suffix_.size();
    if (max_tokens_ > 0 && max_tokens_ <= special) {
      throw UserError(
          fmt::format("--max-tokens {} leaves no room beside {} special tokens", max_tokens_, special),
          fmt::format("{} or more, or --no-special", special + 1));
    }
    output_.write("{\"sequences\": [");
  }

  void write(std::string_view text) {
    auto ids = tokenizer_.encode(text);
    const std::size_t room = max_tokens_ - prefix_.size() - suffix_.size();
    if (max_tokens_ > 0 && ids.size() > room) {
      ids.resize(room);
      ++counts_.cut;
    }
    ids.insert(ids.begin(), prefix_.begin(), prefix_.end());
    ids.insert(ids.end(), suffix_.begin(), suffix_.end());
    output_.write(fmt::format("{}\n[{}]", counts_.sequences == 0 ? "" : ",", fmt::join(ids, ", ")));
    ++counts_.sequences;
    counts_.tokens += ids.size();
  }

  Counts finish() {
    output_.write("\n]}\n");
    output_.commit();
    return counts_;
  }
  bool is_empty() const { return counts_.sequences == 0; }

 private:
  const Tokenizer& tokenizer_;
  std::size_t max_tokens_;
  std::vector<std::int32_t> prefix_, suffix_;
  AtomicFile output_;
  Counts counts_;
};

/// One sequence per line of the text, empty lines included; per line of JSON Lines; or the whole text as one.
Counts write_tokens(const TokenizeArguments& arguments, const Tokenizer& tokenizer,
                    const ProgressSink& progress) {
  SequenceWriter writer(arguments, tokenizer);
  const std::vector<std::filesystem::path> files = {arguments.text};
  if (arguments.whole_file) {
    if (const std::string text = read_text(arguments.text); !text.empty()) writer.write(text);
  } else if (is_json_lines(arguments.text)) {
    for_each_document(
        files, {.field = arguments.field}, [&](std::string_view text) { writer.write(text); }, "tokenizing",
        progress);
  } else {
    for_each_line(
        files, [&](std::string_view line) { writer.write(line); }, {}, "tokenizing", progress);
  }
  if (writer.is_empty()) {
    throw UserError(fmt::format("{}: the file is empty, expected a text a line", arguments.text));
  }
  return writer.finish();
}

/// The way back: {"texts": [..]}, a text for each sequence of a tokens.json.
Counts write_texts(const TokenizeArguments& arguments, const Tokenizer& tokenizer) {
  Counts counts;
  nlohmann::json texts = nlohmann::json::array();
  const auto sequences = read_token_sequences(arguments.decode, tokenizer.vocabulary_size(),
                                              std::numeric_limits<std::int64_t>::max());
  for (const auto& sequence : sequences) {
    const std::vector<std::int32_t> ids(sequence.begin(), sequence.end());
    texts.push_back(tokenizer.decode(ids));
    ++counts.sequences;
    counts.tokens += ids.size();
  }
  write_file(arguments.out, dump_json({{"texts", texts}}));
  return counts;
}

void run_tokenize(const TokenizeArguments& arguments, const GlobalOptions& global) {
  if (arguments.text.empty() == arguments.decode.empty()) {
    throw UserError("expected either --text or --decode",
                    "--text FILE makes tokens, --decode FILE makes texts");
  }
  const auto tokenizer = open(arguments);
  const Terminal terminal(global);
  const Counts counts = arguments.decode.empty() ? write_tokens(arguments, *tokenizer, terminal.progress())
                                                 : write_texts(arguments, *tokenizer);
  terminal.finish();
  if (global.json) {
    const nlohmann::ordered_json json = {{"format", "espalier.tokenize/1"},
                                         {"out", arguments.out},
                                         {"sequences", counts.sequences},
                                         {"tokens", counts.tokens},
                                         {"sequences_cut", counts.cut}};
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{}: {} sequence{}, {} tokens", arguments.out, grouped_text(counts.sequences),
                           counts.sequences == 1 ? "" : "s", grouped_text(counts.tokens));
  if (counts.cut > 0) std::cout << fmt::format("; {} cut to --max-tokens", grouped_text(counts.cut));
  std::cout << '\n';
}

}  // namespace

void add_tokenize(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<TokenizeArguments>();
  app.add_option("model", arguments->model,
                 "model folder, or its tokenizer.json, tokenizer.model or vocab.txt")
      ->required()
      ->type_name("MODEL");
  app.add_option("--text", arguments->text, "text (plain, .gz, .zst); a sequence a line")->type_name("FILE");
  app.add_option("--text-field", arguments->field, "of a .jsonl with a sequence a line")->type_name("NAME");
  app.add_option("--decode", arguments->decode, "tokens.json to turn into texts")->type_name("FILE");
  app.add_option("--out", arguments->out, "tokens.json to write; with --decode {\"texts\": [..]}")
      ->required()
      ->type_name("FILE");
  app.add_option("--max-tokens", arguments->max_tokens, "cut sequences to this many; default: no limit")
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->type_name("N");
  app.add_flag("--whole-file", arguments->whole_file, "the text is one sequence, line ends and all");
  app.add_flag("--no-special", arguments->no_special, "without BOS, EOS, [CLS] and [SEP]");
  app.add_flag("--recognize-special", arguments->recognize_special,
               "vocab.txt: [MASK] and the like in the text are pieces, not characters");
  app.add_flag("--keep-case", arguments->keep_case, "vocab.txt: neither lower-case nor strip accents");
  app.footer("Example:\n  espalier tokenize runs/first/model --text lines.txt --out tokens.json");
  app.callback([arguments, &global] { run_tokenize(*arguments, global); });
}

}  // namespace espalier
