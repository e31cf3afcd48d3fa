#include <memory>

#include "base/error.h"
#include "cli/training/image_arguments.h"
#include "cli/training/training_options.h"
#include "cli/training/training_verbs.h"
#include "train/pretrain.h"

namespace espalier {
namespace {

struct PretrainArguments : TrainingArguments {
  PretrainOptions options;
  ImageArguments images;
};

void add_text_options(CLI::App& app, PretrainOptions& o) {
  app.add_option("--text", o.text, "text files (plain, .gz, .zst); an empty line ends a document")
      ->required()
      ->type_name("FILE");
  app.add_option("--vocab", o.vocabulary, "vocab.txt of an encoder")->type_name("FILE");
  app.add_option("--tokenizer", o.tokenizer,
                 "tokenizer.json of a decoder, or the folder it is in; default: the checkpoint's")
      ->type_name("FILE");
  app.add_option("--valid-text", o.validation_text, "held-out text files")->type_name("FILE");
  app.add_option("--cache", o.cache, "folder of the tokenized corpus; default: OUT/corpus")->type_name("DIR");
  app.add_option("--batch-tokens", o.batch_tokens, "tokens per step; whole sequences, no padding")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--seq-len", o.sequence_length, "longest sequence, [CLS] and [SEP] or BOS included")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--mask-share", o.mask_share, "of the tokens, predicted: 80% [MASK], 10% random, 10% kept")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--pair-share", o.pair_share, "of the sequences that are cut into two segments")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--validation-tokens", o.validation_tokens, "of the validation text, each time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

}  // namespace

void add_pretrain(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<PretrainArguments>();
  auto& o = arguments->options;
  app.add_option("model", o.model, "config.json of a new model, or the folder of a checkpoint to go on from")
      ->required()
      ->type_name("CONFIG");
  add_text_options(app, o);
  for (const char* name : {"--text", "--vocab"})
    app.get_option(name)->required(false);  // of images there are none
  add_image_options(app, arguments->images);
  add_training_options(app, *arguments, o);
  app.footer(
      "Example:\n  espalier pretrain config.json --vocab vocab.txt --text a.txt b.txt.zst --steps 2000 --out "
      "runs/first\n  espalier pretrain vmoe.json --images cifar10 --image-epochs 30 --out runs/vision");
  app.callback([arguments, &global, &app] {
    auto& options = arguments->options;
    const Terminal terminal(global);
    resolve(*arguments, global, terminal, options);
    if (arguments->images.given())
      return run_image_training("pretrain", options.model.string(), arguments->images, options, terminal,
                                global, app);
    if (options.text.empty()) throw UserError("--text or --images is missing", "name what to train on");
    options.upcycle = upcycle_request(*arguments);
    const auto summary = pretrain(options);
    terminal.finish();
    print_summary(global, "pretrain", options, summary);
  });
}

}  // namespace espalier
