#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "train/pretrain.h"

namespace espalier {
namespace {

struct Arguments {
  PretrainOptions options;
  std::string backend = "onednn", dtype = "F32";
  bool resume = false, overwrite = false;
};

void print_summary(const GlobalOptions& global, const PretrainOptions& options,
                   const PretrainSummary& summary) {
  const double rate = summary.seconds > 0 ? static_cast<double>(summary.tokens) / summary.seconds : 0.0;
  if (global.json) {
    nlohmann::ordered_json json = {{"format", "espalier.pretrain/1"},
                                   {"run", options.out.string()},
                                   {"steps", summary.steps},
                                   {"tokens", summary.tokens},
                                   {"seconds", summary.seconds},
                                   {"tokens_per_second", rate},
                                   {"loss", summary.loss}};
    if (summary.validation_loss) json["validation_loss"] = *summary.validation_loss;
    std::cout << json.dump(2) << '\n';
    return;
  }
  std::cout << fmt::format("{} steps, {} tokens in {} ({:.0f} tokens/s), loss {:.4f}", summary.steps,
                           grouped_text(static_cast<std::uint64_t>(summary.tokens)),
                           duration_text(summary.seconds), rate, summary.loss);
  if (summary.validation_loss) std::cout << fmt::format(", validation loss {:.4f}", *summary.validation_loss);
  std::cout << fmt::format("\nmodel: {}\n", (options.out / "model").string());
}

void add_schedule_options(CLI::App& app, PretrainOptions& o) {
  app.add_option("--steps", o.steps, "optimizer steps")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch-tokens", o.batch_tokens, "tokens per step; whole sequences, no padding")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--seq-len", o.sequence_length, "longest sequence, [CLS] and [SEP] included")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--learning-rate", o.learning_rate, "peak; linear warm-up and decay")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--warmup", o.warmup_share, "share of the steps that warm up")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--weight-decay", o.adamw.weight_decay, "decoupled; not for biases and norms")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--beta1", o.adamw.beta1)->capture_default_str()->check(CLI::Range(0.0, 1.0));
  app.add_option("--beta2", o.adamw.beta2)->capture_default_str()->check(CLI::Range(0.0, 1.0));
  app.add_option("--epsilon", o.adamw.epsilon)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--clip-norm", o.adamw.clip_norm, "gradients' global 2-norm; 0: no clipping")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--balance-loss", o.balance_weight, "weight of the experts' balance loss")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--dropout", o.dropout,
                 "while training, instead of the config's, which the saved model keeps")
      ->check(CLI::Range(0.0, 0.9));
  app.add_option("--mask-share", o.mask_share, "of the tokens, predicted: 80% [MASK], 10% random, 10% kept")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--pair-share", o.pair_share, "of the sequences that are cut into two segments")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
}

void add_logging_options(CLI::App& app, PretrainOptions& o) {
  app.add_option("--log-every", o.log_every, "steps")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--validate-every", o.validate_every, "steps")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--validation-tokens", o.validation_tokens, "of the validation text, each time")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--save-every", o.save_every, "steps between training states")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

}  // namespace

void add_pretrain(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<Arguments>();
  auto& o = arguments->options;
  app.add_option("model_config", o.config, "config.json of the model to train")
      ->required()
      ->type_name("CONFIG");
  app.add_option("--text", o.text, "text files (plain, .gz, .zst); an empty line ends a document")
      ->required()
      ->type_name("FILE");
  app.add_option("--vocab", o.vocabulary, "vocab.txt")->required()->type_name("FILE");
  app.add_option("--valid-text", o.validation_text, "held-out text files")->type_name("FILE");
  app.add_option("--out", o.out, "run folder")->required()->type_name("DIR");
  app.add_option("--cache", o.cache, "folder of the tokenized corpus; default: OUT/corpus")->type_name("DIR");
  app.add_option("--model-dtype", arguments->dtype, "of the final model: F32 or BF16")
      ->capture_default_str()
      ->check(CLI::IsMember({"F32", "BF16"}));
  app.add_option("--backend", arguments->backend, "onednn or torch")->capture_default_str();
  app.add_flag("--resume", arguments->resume, "go on with the run in OUT");
  app.add_flag("--overwrite", arguments->overwrite, "OUT may hold an older run");
  add_schedule_options(app, o);
  add_logging_options(app, o);
  app.footer(
      "Example:\n  espalier pretrain config.json --vocab vocab.txt --text a.txt b.txt.zst --steps 2000 --out "
      "runs/first");
  app.callback([arguments, &global] {
    auto& options = arguments->options;
    const Terminal terminal(global);
    options.command = global.command;
    options.seed = global.seed;
    options.model_dtype = parse_dtype(arguments->dtype);
    options.backend = parse_backend(arguments->backend);
    options.start = arguments->resume ? RunStart::kResume : RunStart::kNew;
    options.if_exists = arguments->overwrite ? IfExists::kOverwrite : IfExists::kFail;
    options.progress = terminal.progress();
    options.note = terminal.notes();
    const auto summary = pretrain(options);
    terminal.finish();
    print_summary(global, options, summary);
  });
}

}  // namespace espalier
