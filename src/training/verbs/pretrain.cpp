#include "training/verbs/pretrain.h"

#include "base/error.h"
#include "pipeline/make_verb.h"
#include "train/pretrain.h"

namespace espalier::training {
namespace {

espalier::PretrainOptions library_options(const PretrainOptions& options,
                                          const pipeline::RunContext& context) {
  espalier::PretrainOptions library;
  static_cast<TrainingOptions&>(library) = options.resolved(context);
  library.model = options.model;
  library.upcycle = options.upcycle.request();
  library.vocabulary = options.vocabulary;
  library.tokenizer = options.tokenizer;
  library.text = options.text;
  library.validation_text = options.validation_text;
  library.cache = options.cache;
  library.batch_tokens = options.batch_tokens;
  library.sequence_length = options.sequence_length;
  library.mask_share = options.mask_share;
  library.pair_share = options.pair_share;
  library.validation_tokens = options.validation_tokens;
  library.train = options.train;
  library.router_jitter = options.router_jitter;
  library.expert_rate = options.expert_rate;
  return library;
}

}  // namespace

void describe(options::OptionTable& table, PretrainOptions& o) {
  table
      .positional("model", o.model, "CONFIG",
                  "config.json of a new model, or the folder of a checkpoint to go on from")
      .require();
  table.add("text", o.text, "FILE", "text files (plain, .gz, .zst); an empty line ends a document");
  table.add("vocab", o.vocabulary, "FILE",
            "vocab.txt or tokenizer.json of an encoder; default: the checkpoint's");
  table.add("tokenizer", o.tokenizer, "FILE",
            "tokenizer.json of a decoder, or the folder it is in; default: the checkpoint's");
  table.add("valid-text", o.validation_text, "FILE", "held-out text files");
  table.add("cache", o.cache, "DIR", "folder of the tokenized corpus; default: OUT/corpus").writes();
  table.add("batch-tokens", o.batch_tokens, "N", "tokens per step; whole sequences, no padding").at_least(1);
  table.add("seq-len", o.sequence_length, "N", "longest sequence, [CLS] and [SEP] or BOS included")
      .at_least(1);
  table.add("mask-share", o.mask_share, "SHARE", "of the tokens, predicted: 80% [MASK], 10% random, 10% kept")
      .between(0, 1);
  table.add("pair-share", o.pair_share, "SHARE", "of the sequences that are cut into two segments")
      .between(0, 1);
  table.add("validation-tokens", o.validation_tokens, "N", "of the validation text, each time").at_least(1);
  table
      .add("train", o.train, "PART,..",
           "of an encoder: head (of masked words), ffn.L (network, or experts and router, of block L); the "
           "rest stays as it is. Default: all")
      .divided_by(',');
  table
      .add("router-jitter", o.router_jitter, "J",
           "while training, instead of the config's: router input times uniform(1 - J, 1 + J)")
      .between(0, 1);
  table.add("expert-rate", o.expert_rate, "X", "an encoder's experts learn at X times the learning rate")
      .above(0);
  describe_image_training(table, o.images);
  describe_training(table, o);
}

RunSummary pretrain(const PretrainOptions& options, const pipeline::RunContext& context) {
  if (options.images.given())
    return train_images("pretrain", options.model, options.images, options, context);
  if (options.text.empty()) throw UserError("--text or --images is missing", "name what to train on");
  const auto library = library_options(options, context);
  return {"pretrain", library.out, espalier::pretrain(library), {}, {}, {}};
}

pipeline::Verb pretrain_verb() {
  return pipeline::make_verb(
      {"pretrain", "train an encoder or a decoder on text, or a vision model on images",
       "Examples:\n  espalier pretrain config.json --vocab vocab.txt --text a.txt b.txt.zst --steps 2000 "
       "--out "
       "runs/first\n  espalier pretrain vmoe.json --images cifar10 --image-epochs 30 --out runs/vision",
       200},
      pretrain);
}

}  // namespace espalier::training
