#include "pipeline/verbs/tokenize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "data/documents.h"
#include "data/text_file.h"
#include "data/text_kind.h"
#include "data/token_sequences.h"
#include "pipeline/make_verb.h"
#include "report/quantities.h"
#include "text/model_tokenizer.h"
#include "text/tokenizer.h"
#include "text/wordpiece_tokenizer.h"

namespace espalier::pipeline {
namespace {

/// The options of a vocab.txt have no meaning for tokenizers that say all of it themselves.
std::unique_ptr<Tokenizer> open_chosen_tokenizer(const TokenizeOptions& options) {
  const auto [kind, file] = find_tokenizer(options.model);
  if (kind != TokenizerKind::kVocabulary) {
    if (options.keep_case || options.recognize_special) {
      throw UserError(
          fmt::format("{}: --keep-case and --recognize-special are for a vocab.txt", file.string()),
          "this tokenizer says itself what it does about case and special tokens");
    }
    return open_tokenizer(options.model);
  }
  const auto letter_case = options.keep_case ? LetterCase::kKeep : LetterCase::kAsTrained;
  const auto special =
      options.recognize_special ? WordPiece::SpecialTokens::kRecognized : WordPiece::SpecialTokens::kAsText;
  WordPiece pieces = load_tokenizer(options.model, letter_case, special);
  if (!options.no_special && options.decode.empty()) {
    required_piece(pieces, pieces.special().cls, options.model);
    required_piece(pieces, pieces.special().sep, options.model);
  }
  return make_wordpiece_tokenizer(std::move(pieces));
}

/// Writes sequences one by one, as a text of any size needs the memory of a line.
class SequenceWriter {
 public:
  SequenceWriter(const TokenizeOptions& options, const Tokenizer& tokenizer)
      : tokenizer_(tokenizer), max_tokens_(options.max_tokens), output_(options.out) {
    counts_.out = options.out;
    if (!options.no_special) {
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

  TokenizeSummary finish() {
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
  TokenizeSummary counts_;
};

/// One sequence per line of the text, empty lines included; per line of JSON Lines; or the whole text as one.
TokenizeSummary write_tokens(const TokenizeOptions& options, const Tokenizer& tokenizer,
                             const ProgressSink& progress) {
  SequenceWriter writer(options, tokenizer);
  const std::vector<std::filesystem::path> files = {options.text};
  if (options.whole_file) {
    if (const std::string text = read_text(options.text); !text.empty()) writer.write(text);
  } else if (text_kind(options.text) == TextKind::kJsonLines) {
    for_each_document(
        files, {.field = options.field, .empty_lines = EmptyDocuments::kKeep},
        [&](std::string_view text) { writer.write(text); }, "tokenizing", progress);
  } else {
    for_each_line(
        files, [&](std::string_view line) { writer.write(line); }, {}, "tokenizing", progress);
  }
  if (writer.is_empty()) {
    throw UserError(fmt::format("{}: the file is empty, expected a text a line", options.text.string()),
                    "name a file with text in it");
  }
  return writer.finish();
}

/// The way back: {"texts": [..]}, a text for each sequence of a tokens.json.
TokenizeSummary write_texts(const TokenizeOptions& options, const Tokenizer& tokenizer) {
  TokenizeSummary summary{options.out, 0, 0, 0};
  nlohmann::json texts = nlohmann::json::array();
  const auto sequences = read_token_sequences(options.decode.string(), tokenizer.vocabulary_size(),
                                              std::numeric_limits<std::int64_t>::max());
  for (const auto& sequence : sequences) {
    const std::vector<std::int32_t> ids(sequence.begin(), sequence.end());
    texts.push_back(tokenizer.decode(ids));
    ++summary.sequences;
    summary.tokens += ids.size();
  }
  write_file(options.out, dump_json({{"texts", texts}}));
  return summary;
}

}  // namespace

void describe(options::OptionTable& table, TokenizeOptions& options) {
  table
      .positional("model", options.model, "MODEL",
                  "model folder, or its tokenizer.json, tokenizer.model or vocab.txt")
      .require();
  table.add("text", options.text, "FILE", "text (plain, .gz, .zst); a sequence a line");
  table.add("text-field", options.field, "NAME", "of a .jsonl with a sequence a line");
  table.add("decode", options.decode, "FILE", "tokens.json to turn into texts");
  table.add("out", options.out, "FILE", "tokens.json to write; with --decode {\"texts\": [..]}").require();
  table.add("max-tokens", options.max_tokens, "N", "cut sequences to this many; default: no limit")
      .between(1, 1 << 30)
      .shows("");
  table.flag("whole-file", options.whole_file, "the text is one sequence, line ends and all");
  table.flag("no-special", options.no_special, "without BOS, EOS, [CLS] and [SEP]");
  table.flag("recognize-special", options.recognize_special,
             "vocab.txt: [MASK] and the like in the text are pieces, not characters");
  table.flag("keep-case", options.keep_case, "vocab.txt: neither lower-case nor strip accents");
}

TokenizeSummary tokenize(const TokenizeOptions& options, const RunContext& context) {
  if (options.text.empty() == options.decode.empty()) {
    throw UserError("expected either --text or --decode",
                    "--text FILE makes tokens, --decode FILE makes texts");
  }
  const auto tokenizer = open_chosen_tokenizer(options);
  return options.decode.empty() ? write_tokens(options, *tokenizer, context.progress)
                                : write_texts(options, *tokenizer);
}

nlohmann::ordered_json to_json(const TokenizeSummary& summary) {
  return {{"format", "espalier.tokenize/1"},
          {"out", summary.out.string()},
          {"sequences", summary.sequences},
          {"tokens", summary.tokens},
          {"sequences_cut", summary.cut}};
}

std::string to_text(const TokenizeSummary& summary) {
  std::string text =
      fmt::format("{}: {} sequence{}, {} tokens", summary.out.string(), grouped_text(summary.sequences),
                  summary.sequences == 1 ? "" : "s", grouped_text(summary.tokens));
  if (summary.cut > 0) text += fmt::format("; {} cut to --max-tokens", grouped_text(summary.cut));
  return text + "\n";
}

Verb tokenize_verb() {
  return make_verb({"tokenize", "turn lines of text into token ids",
                    "Example:\n  espalier tokenize runs/first/model --text lines.txt --out tokens.json", 120},
                   tokenize);
}

}  // namespace espalier::pipeline
