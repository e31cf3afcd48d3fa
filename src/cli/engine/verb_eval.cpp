#include <memory>

#include "arch/described_model.h"
#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "cli/engine/engine_verbs.h"
#include "cli/engine/eval_arguments.h"
#include "cli/engine/image_set_options.h"
#include "cli/engine/language_model.h"
#include "data/choice_task.h"

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

void add_language_model_options(CLI::App& app, EvalArguments& a) {
  app.add_option("--stride", a.stride, "perplexity: from window to window; default: no overlap")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description(""))
      ->type_name("N");
  add_document_options(app, a.documents);
  app.add_option("--limit", a.limit, "decoders: the first so many items or windows; default: all")
      ->type_name("N");
  add_stream_options(app, a.stream);
}

/// "boolq, openbookqa, .."
std::string choice_names() {
  std::string names;
  for (const ChoiceTask& task : choice_tasks()) names += (names.empty() ? "" : ", ") + task.name;
  return names;
}

arch::ModelKind kind_of(const std::string& folder) {
  return arch::kind_of(arch::read_spec(Checkpoint::open(folder)));
}

}  // namespace

void add_eval(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<EvalArguments>();
  auto& a = *arguments;
  app.add_option("model", a.model,
                 "checkpoint folder of a BERT-shaped encoder, of a decoder, or of a vision model")
      ->required()
      ->type_name("MODEL");
  add_task_options(app, a);
  app.get_option("--task")->description("mlm: restore masked pieces of text files; of decoders perplexity, " +
                                        choice_names() + "; of encoders " +
                                        app.get_option("--task")->get_description());
  app.get_option("--data")->description(
      "mlm, perplexity: text files (plain, .gz, .zst, perplexity: .jsonl); others: " +
      app.get_option("--data")->get_description());
  app.add_option("--split", a.split,
                 "of the task (default: dev; of a decoder's task, the one the harness takes); for text "
                 "files, what the "
                 "result calls them")
      ->type_name("NAME");
  app.add_option("--seq-len", a.sequence_length,
                 "longest sequence, special tokens included (default: 128, of decoders 2048, or what the "
                 "model holds)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description(""))
      ->type_name("N");
  add_masked_word_options(app, a);
  add_language_model_options(app, a);
  add_image_set_options(app, a.images, a.classes);
  app.get_option("--task")->required(false);  // images have none
  app.add_option("--out", a.out, "write eval.json here")->type_name("FILE");
  app.footer(
      "Examples:\n  espalier eval runs/first/model --task mlm --data held_out.txt --examples 3\n"
      "  espalier eval runs/wordnet/model --task wordnet --split test\n"
      "  espalier eval mixtral --task perplexity --data wiki.test.raw\n"
      "  espalier eval mixtral --task arc_challenge --data eval");
  app.callback([arguments, &global] {
    // Encoders and decoders have tasks of their own; rte is both's.
    const arch::ModelKind kind = kind_of(arguments->model);
    if (kind == arch::ModelKind::kVision) return eval_images(*arguments, global);
    if (arguments->task.empty()) throw UserError("--task is missing", "name what to evaluate: --task cola");
    if (arguments->task == kMaskedWords)
      eval_masked_words(*arguments, global);
    else if (kind == arch::ModelKind::kDecoder)
      eval_language_model(*arguments, global);
    else
      eval_task(*arguments, global);
  });
}

}  // namespace espalier
