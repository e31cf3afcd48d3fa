#include <memory>

#include "cli/engine/engine_verbs.h"
#include "cli/engine/eval_arguments.h"

namespace espalier {
namespace {

constexpr const char* kMaskedWords = "mlm";

void add_masked_word_options(CLI::App& app, EvalArguments& a) {
  const auto positive = CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description("");
  app.add_option("--vocab", a.vocabulary, "mlm: vocab.txt; default: the one in MODEL")->type_name("FILE");
  app.add_option("--tokens", a.tokens, "mlm: stop after this many tokens")
      ->capture_default_str()
      ->check(positive)
      ->type_name("N");
  app.add_option("--batch-tokens", a.batch_tokens, "mlm: tokens of a batch")
      ->capture_default_str()
      ->check(positive)
      ->type_name("N");
  app.add_option("--mask-share", a.mask_share, "mlm: of the tokens, predicted; the same ones in every run")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0).description(""))
      ->type_name("SHARE");
  app.add_option("--examples", a.examples,
                 "mlm: also print this many masked texts and the model's best guesses")
      ->check(CLI::NonNegativeNumber.description(""))
      ->type_name("N");
  app.add_option("--cache", a.cache, "mlm: folder that keeps the tokenized text")->type_name("DIR");
}

}  // namespace

void add_eval(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<EvalArguments>();
  auto& a = *arguments;
  app.add_option("model", a.model, "checkpoint folder of a BERT-shaped encoder")
      ->required()
      ->type_name("MODEL");
  add_task_options(app, a);
  app.get_option("--task")->description("mlm: restore masked pieces of text files; or " +
                                        app.get_option("--task")->get_description());
  app.get_option("--data")->description("mlm: text files (plain, .gz, .zst); others: " +
                                        app.get_option("--data")->get_description());
  app.add_option("--split", a.split, "of the task; for mlm, what the result calls the data")
      ->capture_default_str()
      ->type_name("NAME");
  app.add_option("--seq-len", a.sequence_length,
                 "longest sequence, [CLS] and [SEP] included (default: 128, or what the model holds)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description(""))
      ->type_name("N");
  add_masked_word_options(app, a);
  app.add_option("--backend", a.backend, "onednn or torch")->capture_default_str();
  app.add_option("--out", a.out, "write eval.json here")->type_name("FILE");
  app.footer(
      "Examples:\n  espalier eval runs/first/model --task mlm --data held_out.txt --examples 3\n"
      "  espalier eval runs/wordnet/model --task wordnet --split test");
  app.callback([arguments, &global] {
    if (arguments->task == kMaskedWords)
      eval_masked_words(*arguments, global);
    else
      eval_task(*arguments, global);
  });
}

}  // namespace espalier
