#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "artifacts/eval_result.h"
#include "base/error.h"
#include "cli/engine/engine_verbs.h"
#include "cli/scratch_folder.h"
#include "cli/terminal.h"
#include "eval/masked_words.h"
#include "model/bert_checkpoint.h"
#include "text/model_tokenizer.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kGuesses = 3;
constexpr std::int64_t kSequenceLength = 128;

struct Arguments {
  std::string model, vocabulary, task, split = "dev", cache, out;
  std::string backend = "onednn";
  std::vector<fs::path> data;
  std::int64_t tokens = 100000, batch_tokens = 4096;
  std::optional<std::int64_t> sequence_length;  // default: 128, or what the model holds
  double mask_share = 0.15;
  std::size_t examples = 0;
};

/// Defaults as in pre-training's validation, so that the losses compare; the masks never vary.
MlmOptions mlm_options(const Arguments& arguments, const BertMoeConfig& config, const WordPiece& tokenizer,
                       const fs::path& vocabulary) {
  const auto longest =
      arguments.sequence_length.value_or(std::min(kSequenceLength, config.max_position_embeddings));
  const std::int32_t mask = required_piece(tokenizer, "[MASK]", vocabulary);
  return {.sequence_length = longest,
          .batch_tokens = std::max(arguments.batch_tokens, longest),
          .mask_share = arguments.mask_share,
          .seed = 0,
          .cls = required_piece(tokenizer, "[CLS]", vocabulary),
          .sep = required_piece(tokenizer, "[SEP]", vocabulary),
          .mask = mask,
          .first_ordinary = mask + 1,
          .vocabulary = tokenizer.vocabulary_size()};
}

void check(const Arguments& arguments, const BertModel& model, const WordPiece& tokenizer) {
  const BertMoeConfig& config = model.config;
  if (!model.mlm_head) {
    throw UserError(
        fmt::format("{}: the model has no masked-language-model head (cls.predictions.*)", arguments.model),
        "evaluate a model as `espalier pretrain` leaves it");
  }
  if (tokenizer.vocabulary_size() != config.vocab_size) {
    throw UserError(fmt::format("{}: the vocabulary has {} pieces, the model {}", arguments.model,
                                tokenizer.vocabulary_size(), config.vocab_size),
                    "name the vocabulary the model was trained with (--vocab)");
  }
  if (arguments.sequence_length && *arguments.sequence_length > config.max_position_embeddings) {
    throw UserError(fmt::format("--seq-len {}: the model holds positions for {} tokens",
                                *arguments.sequence_length, config.max_position_embeddings),
                    fmt::format("--seq-len {} or less", config.max_position_embeddings));
  }
}

void print_examples(const std::vector<MaskedExample>& examples) {
  for (const MaskedExample& example : examples) {
    std::cout << fmt::format("\n  {}\n  was {}; the model says", example.text, example.target);
    for (const auto& guess : example.guesses) {
      std::cout << fmt::format("{} {} ({:.0f}%)", &guess == &example.guesses.front() ? "" : ",", guess.piece,
                               100 * guess.probability);
    }
    std::cout << '\n';
  }
}

void run_eval(const Arguments& arguments, const GlobalOptions& global) {
  if (global.json && arguments.examples > 0) {
    throw UserError("--examples prints text, which --json does not hold", "leave out one of them");
  }
  const Backend backend = parse_backend(arguments.backend);
  const BertModel model = load_bert(Checkpoint::open(arguments.model));
  const fs::path vocabulary = arguments.vocabulary.empty() ? arguments.model : arguments.vocabulary;
  const WordPiece tokenizer = load_tokenizer(vocabulary);
  check(arguments, model, tokenizer);
  const Terminal terminal(global);
  const ScratchFolder scratch;
  const fs::path cache = arguments.cache.empty() ? scratch.path() : fs::path(arguments.cache);
  const auto corpus =
      TokenCorpus::build(arguments.data, tokenizer, cache, terminal.progress(), terminal.notes());
  MlmBatches batches(corpus, mlm_options(arguments, model.config, tokenizer, vocabulary));
  const MaskedWords words =
      evaluate_masked_words(model, batches, arguments.tokens, backend, terminal.progress());
  terminal.finish();
  const EvalResult result{
      arguments.task, arguments.split, words.predicted, {{"loss", words.loss}, {"accuracy", words.accuracy}}};
  if (!arguments.out.empty()) write_eval_result(arguments.out, result);
  if (global.json) {
    std::cout << eval_result_to_json(result);
    return;
  }
  std::cout << fmt::format("{}: loss {:.4f}, accuracy {:.2f}% of {} masked pieces in {} tokens\n",
                           arguments.model, words.loss, 100 * words.accuracy,
                           grouped_text(static_cast<std::uint64_t>(words.predicted)),
                           grouped_text(static_cast<std::uint64_t>(words.tokens)));
  print_examples(masked_examples(model, tokenizer, batches, arguments.examples, kGuesses, backend));
}

}  // namespace

void add_eval(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  const auto positive = CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description("");
  app.add_option("model", a.model, "checkpoint folder of a BERT-shaped encoder")
      ->required()
      ->type_name("MODEL");
  app.add_option("--task", a.task, "mlm: restore masked pieces of a text")
      ->required()
      ->check(CLI::IsMember({"mlm"}).description(""))
      ->type_name("TASK");
  app.add_option("--data", a.data, "text files (plain, .gz, .zst); an empty line ends a document")
      ->required()
      ->type_name("FILE");
  app.add_option("--vocab", a.vocabulary, "vocab.txt; default: the one in MODEL")->type_name("FILE");
  app.add_option("--split", a.split, "what the result calls the data")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--tokens", a.tokens, "stop after this many tokens")
      ->capture_default_str()
      ->check(positive)
      ->type_name("N");
  app.add_option("--seq-len", a.sequence_length,
                 "longest sequence, [CLS] and [SEP] included (default: 128, or what the model holds)")
      ->check(positive)
      ->type_name("N");
  app.add_option("--batch-tokens", a.batch_tokens, "tokens of a batch")
      ->capture_default_str()
      ->check(positive)
      ->type_name("N");
  app.add_option("--mask-share", a.mask_share, "of the tokens, predicted; the same ones in every run")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0).description(""))
      ->type_name("SHARE");
  app.add_option("--examples", a.examples, "also print this many masked texts and the model's best guesses")
      ->check(CLI::NonNegativeNumber.description(""))
      ->type_name("N");
  app.add_option("--cache", a.cache, "folder that keeps the tokenized text")->type_name("DIR");
  app.add_option("--backend", a.backend, "onednn or torch")->capture_default_str();
  app.add_option("--out", a.out, "write eval.json here")->type_name("FILE");
  app.footer("Example:\n  espalier eval runs/first/model --task mlm --data held_out.txt --examples 3");
  app.callback([arguments, &global] { run_eval(*arguments, global); });
}

}  // namespace espalier
