#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "data/text_file.h"
#include "text/model_tokenizer.h"

namespace espalier {
namespace {

struct Arguments {
  std::string model, text, out;
  std::size_t max_tokens = 0;  // 0: no limit
  bool no_special = false, keep_case = false, recognize_special = false;
};

/// What was written.
struct Counts {
  std::size_t sequences = 0, tokens = 0, cut = 0;
};

/// Cuts the pieces to what --max-tokens leaves beside `special` ids; whether anything was cut.
bool cut(std::vector<std::int32_t>& ids, std::size_t max_tokens, std::size_t special) {
  if (max_tokens == 0 || ids.size() + special <= max_tokens) return false;
  ids.resize(max_tokens - special);
  return true;
}

/// One sequence per line of the text, empty lines included, as a file of any size needs a line's memory.
Counts write_tokens(const Arguments& arguments, const WordPiece& tokenizer, const ProgressSink& progress) {
  const std::size_t special = arguments.no_special ? 0 : 2;
  const std::int32_t cls = special == 0 ? -1 : required_piece(tokenizer, "[CLS]", arguments.model);
  const std::int32_t sep = special == 0 ? -1 : required_piece(tokenizer, "[SEP]", arguments.model);
  AtomicFile output(arguments.out);
  output.write("{\"sequences\": [");
  Counts counts;
  std::vector<std::int32_t> ids;
  const auto write_line = [&](std::string_view line) {
    ids = tokenizer.encode(line);
    counts.cut += cut(ids, arguments.max_tokens, special) ? 1 : 0;
    if (special > 0) {
      ids.insert(ids.begin(), cls);
      ids.push_back(sep);
    }
    output.write(fmt::format("{}\n[{}]", counts.sequences == 0 ? "" : ",", fmt::join(ids, ", ")));
    ++counts.sequences;
    counts.tokens += ids.size();
  };
  const std::vector<std::filesystem::path> files = {arguments.text};
  for_each_line(files, write_line, {}, "tokenizing", progress);
  output.write("\n]}\n");
  if (counts.sequences == 0) {
    throw UserError(fmt::format("{}: the file is empty, expected a text a line", arguments.text));
  }
  output.commit();
  return counts;
}

void run_tokenize(const Arguments& arguments, const GlobalOptions& global) {
  if (arguments.max_tokens > 0 && arguments.max_tokens < 3 && !arguments.no_special) {
    throw UserError(
        fmt::format("--max-tokens {} leaves no room beside [CLS] and [SEP]", arguments.max_tokens),
        "3 or more, or --no-special");
  }
  const auto letter_case = arguments.keep_case ? LetterCase::kKeep : LetterCase::kAsTrained;
  const auto special =
      arguments.recognize_special ? WordPiece::SpecialTokens::kRecognized : WordPiece::SpecialTokens::kAsText;
  const WordPiece tokenizer = load_tokenizer(arguments.model, letter_case, special);
  const Terminal terminal(global);
  const Counts counts = write_tokens(arguments, tokenizer, terminal.progress());
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
  auto arguments = std::make_shared<Arguments>();
  app.add_option("model", arguments->model, "model folder with vocab.txt, or the vocabulary file")
      ->required()
      ->type_name("MODEL");
  app.add_option("--text", arguments->text, "text (plain, .gz, .zst); a sequence a line")
      ->required()
      ->type_name("FILE");
  app.add_option("--out", arguments->out, "tokens.json to write")->required()->type_name("FILE");
  app.add_option("--max-tokens", arguments->max_tokens, "cut sequences to this many; default: no limit")
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->type_name("N");
  app.add_flag("--no-special", arguments->no_special, "without [CLS] and [SEP]");
  app.add_flag("--recognize-special", arguments->recognize_special,
               "[MASK] and the like in the text are pieces, not characters");
  app.add_flag("--keep-case", arguments->keep_case, "neither lower-case nor strip accents");
  app.footer("Example:\n  espalier tokenize runs/first/model --text lines.txt --out tokens.json");
  app.callback([arguments, &global] { run_tokenize(*arguments, global); });
}

}  // namespace espalier
