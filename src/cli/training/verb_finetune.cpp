#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/engine/task_arguments.h"
#include "cli/training/image_arguments.h"
#include "cli/training/training_options.h"
#include "cli/training/training_verbs.h"
#include "train/finetune.h"
#include "train/finetune_text.h"

namespace espalier {
namespace {

/// The name under which text is a task like others.
constexpr const char* kCausalTask = "causal_lm";

struct FinetuneArguments : TrainingArguments {
  FinetuneOptions options;
  TaskArguments task;
  ImageArguments images;
  TextFinetuneOptions text;
  std::string part = "all", teacher;
  std::optional<double> epochs;
  std::optional<std::int64_t> batch, sequence_length;
  std::string schedule = "none", criterion = "alpha", force_drop = "windows";
};

void add_prune_options(CLI::App& app, FinetuneArguments& a) {
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

void add_length_options(CLI::App& app, FinetuneArguments& a) {
  app.add_option("--epochs", a.epochs, "over the training examples (3) or the text (1); --steps wins")
      ->check(CLI::PositiveNumber);
  app.add_option("--batch", a.batch, "examples (32) or rows of text (16) per step")
      ->check(CLI::PositiveNumber);
  app.add_option(
         "--seq-len", a.sequence_length,
         "longest sequence, special pieces included (128), the rest is cut; or the length of a row of "
         "text (256)")
      ->check(CLI::PositiveNumber);
  auto& o = a.options;
  app.add_option("--router-jitter", o.router_jitter, "router input times uniform(1 - J, 1 + J)")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0))
      ->type_name("J");
}

void add_text_options(CLI::App& app, FinetuneArguments& a) {
  app.add_option("--train", a.part, "of a decoder: all weights, or the routers alone")
      ->capture_default_str()
      ->check(CLI::IsMember({"all", "router"}).description(""))
      ->type_name("PART");
  app.add_option("--teacher", a.teacher,
                 "model that a decoder is to come close to, e.g. the one it was pruned from: minimises KL")
      ->type_name("MODEL");
  app.add_option("--teacher-share", a.text.teacher_share, "of the loss; the rest is the text's cross entropy")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--cache", a.text.cache, "folder of the tokenized text; default: OUT/corpus")
      ->type_name("DIR");
}

/// train=FILE and FILE are text to learn, dev=FILE is held out.
void split_text(const std::vector<std::string>& data, TextFinetuneOptions& options) {
  for (const auto& entry : data) {
    if (entry.starts_with("dev="))
      options.validation_text.emplace_back(entry.substr(4));
    else
      options.text.emplace_back(entry.starts_with("train=") ? entry.substr(6) : entry);
  }
  if (options.text.empty())
    throw UserError("--data is missing: --task causal_lm learns from text files",
                    "--data FILE.. or --data train=FILE dev=FILE");
}

void run_text(FinetuneArguments& a, const GlobalOptions& global, const Terminal& terminal) {
  if (upcycle_request(a))
    throw UserError("--upcycle makes Mixture-of-Experts encoders, and --task causal_lm trains decoders",
                    "leave out --upcycle");
  auto& text = a.text;
  static_cast<TrainingOptions&>(text) = a.options;
  text.model = a.options.model;
  split_text(a.task.data, text);
  text.epochs = a.epochs.value_or(text.epochs);
  text.batch = a.batch.value_or(text.batch);
  text.sequence_length = a.sequence_length.value_or(text.sequence_length);
  text.part = a.part == "router" ? TrainedPart::kRouters : TrainedPart::kAll;
  if (!a.teacher.empty()) text.teacher = a.teacher;
  text.prune = a.options.prune;
  const auto summary = finetune_text(text);
  terminal.finish();
  print_summary(global, "finetune", text, summary);
  if (!global.json)
    std::cout << fmt::format("{} parameters\n", grouped_text(static_cast<std::uint64_t>(summary.parameters)));
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
  auto arguments = std::make_shared<FinetuneArguments>();
  auto& a = *arguments;
  a.options.steps = 0;
  app.add_option("model", a.options.model,
                 "checkpoint folder of a BERT-shaped encoder with its vocab.txt, of a decoder with its "
                 "tokenizer, or of a vision model")
      ->required()
      ->type_name("MODEL");
  add_task_options(app, a.task);
  auto& task = *app.get_option("--task");
  task.required(false);  // images have none
  task.description(fmt::format("{} {}", task.get_description(), kCausalTask));
  auto& data = *app.get_option("--data");
  data.description(data.get_description() + "; causal_lm: text files, or train=FILE dev=FILE");
  add_image_options(app, a.images);
  add_prune_options(app, a);
  add_length_options(app, a);
  add_text_options(app, a);
  add_training_options(app, a, a.options);
  app.footer(
      "Example:\n  espalier finetune models/mini-moe --task wordnet --prune eager --epochs 1 --out "
      "runs/wordnet\n  espalier finetune models/mini-mixtral --task causal_lm --data news.txt --prune eager "
      "--out "
      "runs/news\n  espalier finetune models/mini-vmoe --images cifar10 --classes ship,truck --steps 500 "
      "--out "
      "runs/two");
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
    options.prune.schedule = parse_prune_schedule(arguments->schedule);
    options.prune.criterion = parse_proficiency(arguments->criterion);
    options.prune.force_drop = parse_force_drop(arguments->force_drop);
    if (arguments->task.task == kCausalTask) return run_text(*arguments, global, terminal);
    options.upcycle = upcycle_request(*arguments);
    options.epochs = arguments->epochs.value_or(options.epochs);
    options.batch = arguments->batch.value_or(options.batch);
    options.sequence_length = arguments->sequence_length.value_or(options.sequence_length);
    options.task = resolve_task(arguments->task);
    options.data = parse_task_files(arguments->task.data);
    const auto summary = finetune(options);
    terminal.finish();
    print_result(global, options, summary);
  });
}

}  // namespace espalier
