#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/engine/engine_verbs.h"
#include "cli/engine/image_arguments.h"
#include "cli/engine/task_arguments.h"
#include "cli/engine/training_options.h"
#include "train/finetune.h"

namespace espalier {
namespace {

struct Arguments : TrainingArguments {
  FinetuneOptions options;
  TaskArguments task;
  ImageArguments images;
  std::string schedule = "none", criterion = "alpha", force_drop = "windows";
};

void add_prune_options(CLI::App& app, Arguments& a) {
  app.add_option(
         "--prune", a.schedule,
         "none; eager: drop every expert under a threshold at the end of each window, and all but the "
         "best at half time; staged: drop the worst one at the end of each window")
      ->capture_default_str()
      ->type_name("SCHEDULE");
  app.add_option("--criterion", a.criterion,
                 "alpha: mean gate value of an expert; hit_rate: its share of the routed tokens")
      ->capture_default_str();
  app.add_option("--beta", a.options.prune.beta, "an expert goes under beta / survivors")
      ->capture_default_str();
  app.add_option("--gamma", a.options.prune.gamma, "a window is gamma * steps / experts long")
      ->capture_default_str();
  app.add_option("--force-drop", a.force_drop,
                 "when eager keeps the best expert alone: windows (after half of them), half (of the steps), "
                 "never")
      ->capture_default_str();
}

void add_length_options(CLI::App& app, FinetuneOptions& o) {
  app.add_option("--epochs", o.epochs, "over the training examples; --steps wins")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--batch", o.batch, "examples per step")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--seq-len", o.sequence_length, "longest sequence, special pieces included; the rest is cut")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--router-jitter", o.router_jitter, "router input times uniform(1 - J, 1 + J)")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("J");
}

void print_result(const GlobalOptions& global, const FinetuneOptions& options,
                  const FinetuneSummary& summary) {
  if (global.json) {
    print_summary(global, "finetune", options, summary);
    return;
  }
  print_summary(global, "finetune", options, summary);
  std::cout << fmt::format("{} parameters; {} {} ({} examples): {}\n",
                           grouped_text(static_cast<std::uint64_t>(summary.parameters)), summary.eval.task,
                           summary.eval.split, summary.eval.examples,
                           metrics_text(options.task, summary.eval.metrics));
  for (const auto& [name, metrics] : summary.eval.baselines)
    std::cout << fmt::format("  {}: {}\n", name, metrics_text(options.task, metrics));
}

}  // namespace

void add_finetune(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  a.options.steps = 0;
  app.add_option("model", a.options.model,
                 "checkpoint folder of a BERT-shaped encoder with its vocab.txt, or of a vision model")
      ->required()
      ->type_name("MODEL");
  add_task_options(app, a.task);
  app.get_option("--task")->required(false);  // images have none
  add_image_options(app, a.images);
  add_prune_options(app, a);
  add_length_options(app, a.options);
  add_training_options(app, a, a.options);
  app.footer(
      "Example:\n  espalier finetune models/mini-moe --task wordnet --prune eager --epochs 1 --out "
      "runs/wordnet\n  espalier finetune models/mini-vmoe --images cifar10 --classes ship,truck --steps 500 "
      "--out runs/two");
  app.callback([arguments, &global, &app] {
    auto& options = arguments->options;
    const Terminal terminal(global);
    resolve(*arguments, global, terminal, options);
    if (arguments->images.given())
      return run_image_training("finetune", options.model.string(), arguments->images, options, terminal,
                                global, app);
    if (arguments->task.task.empty())
      throw UserError("--task or --images is missing",
                      "name what to fine-tune on: --task cola, --images DIR");
    options.upcycle = upcycle_request(*arguments);
    options.task = resolve_task(arguments->task);
    options.data = parse_task_files(arguments->task.data);
    options.prune.schedule = parse_prune_schedule(arguments->schedule);
    options.prune.criterion = parse_proficiency(arguments->criterion);
    options.prune.force_drop = parse_force_drop(arguments->force_drop);
    const auto summary = finetune(options);
    terminal.finish();
    print_result(global, options, summary);
  });
}

}  // namespace espalier
