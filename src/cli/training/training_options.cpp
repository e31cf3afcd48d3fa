#include "cli/training/training_options.h"

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace espalier {
namespace {

void add_schedule_options(CLI::App& app, TrainingOptions& o) {
  app.add_option("--steps", o.steps, "optimizer steps")->capture_default_str()->check(CLI::PositiveNumber);
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
  app.add_option("--momentum", o.adamw.momentum, "stochastic gradient descent with this momentum, not AdamW")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--decay", o.decay, "of the learning rate: linear or cosine")
      ->transform(CLI::Transformer(
                      std::map<std::string, Decay>{{"linear", Decay::kLinear}, {"cosine", Decay::kCosine}})
                      .description(""))
      ->default_str("linear")
      ->type_name("NAME");
  app.add_option("--final-learning-rate", o.final_learning_rate, "what it falls to")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--balance-loss", o.balance_weight, "weight of the experts' balance loss")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--dropout", o.dropout,
                 "while training, instead of the config's, which the saved model keeps")
      ->check(CLI::Range(0.0, 0.9));
}

void add_logging_options(CLI::App& app, TrainingOptions& o) {
  app.add_option("--log-every", o.log_every, "steps")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--validate-every", o.validate_every, "steps")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--save-every", o.save_every, "steps between training states")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
}

}  // namespace

void add_training_options(CLI::App& app, TrainingArguments& arguments, TrainingOptions& options) {
  app.add_option("--out", options.out, "run folder")->required()->type_name("DIR");
  app.add_option("--upcycle", arguments.upcycle,
                 "start from a dense checkpoint, each FFN of --moe-layers copied into this many experts")
      ->check(CLI::Range(2, 4096).description(""))
      ->type_name("E");
  app.add_option("--moe-layers", arguments.moe_layers, "blocks to upcycle, counted from 0, e.g. 1,3")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber.description(""))
      ->type_name("L,..");
  app.add_option("--model-dtype", arguments.dtype, "of the final model: F32 or BF16")
      ->capture_default_str()
      ->check(CLI::IsMember({"F32", "BF16"}));
  app.add_option("--backend", arguments.backend, "onednn or torch")->capture_default_str();
  app.add_flag("--resume", arguments.resume, "go on with the run in OUT");
  app.add_flag("--overwrite", arguments.overwrite, "OUT may hold an older run");
  add_schedule_options(app, options);
  add_logging_options(app, options);
}

std::optional<UpcycleRequest> upcycle_request(const TrainingArguments& arguments) {
  if (!arguments.upcycle && arguments.moe_layers.empty()) return std::nullopt;
  if (!arguments.upcycle)
    throw UserError("--moe-layers without --upcycle", "say how many experts: --upcycle 8");
  if (arguments.moe_layers.empty())
    throw UserError("--upcycle without --moe-layers", "say which blocks become MoE layers: --moe-layers 1,3");
  return UpcycleRequest{*arguments.upcycle, arguments.moe_layers};
}

void resolve(const TrainingArguments& arguments, const GlobalOptions& global, const Terminal& terminal,
             TrainingOptions& options) {
  options.command = global.command;
  options.seed = global.seed;
  options.model_dtype = parse_dtype(arguments.dtype);
  options.backend = parse_backend(arguments.backend);
  options.start = arguments.resume ? RunStart::kResume : RunStart::kNew;
  options.if_exists = arguments.overwrite ? IfExists::kOverwrite : IfExists::kFail;
  options.progress = terminal.progress();
  options.note = terminal.notes();
}

void print_summary(const GlobalOptions& global, std::string_view kind, const TrainingOptions& options,
                   const TrainingSummary& summary) {
  const double rate = summary.seconds > 0 ? static_cast<double>(summary.tokens) / summary.seconds : 0.0;
  if (global.json) {
    nlohmann::ordered_json json = {{"format", fmt::format("espalier.{}/1", kind)},
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

}  // namespace espalier
