#include "training/verbs/finetune.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/links.h"
#include "data/questions/articles.h"
#include "pipeline/make_verb.h"
#include "train/finetune.h"
#include "train/finetune_spans.h"

namespace espalier::training {
namespace {

/// The name under which text is a task like others.
constexpr const char* kCausalTask = "causal_lm";

/// train=FILE and FILE are text to learn, dev=FILE is held out.
void split_text(const std::vector<std::string>& data, TextFinetuneOptions& library) {
  for (const std::string& entry : data) {
    if (entry.starts_with("dev="))
      library.validation_text.emplace_back(entry.substr(4));
    else
      library.text.emplace_back(entry.starts_with("train=") ? entry.substr(6) : entry);
  }
  for (const auto* files : {&library.text, &library.validation_text})
    for (const auto& file : *files) expect_input(file);
  if (library.text.empty())
    throw UserError("--data is missing: --task causal_lm learns from text files",
                    "--data FILE.. or --data train=FILE dev=FILE");
}

RunSummary finetune_decoder(const FinetuneOptions& options, const pipeline::RunContext& context) {
  if (options.upcycle.request())
    throw UserError("--upcycle makes Mixture-of-Experts encoders, and --task causal_lm trains decoders",
                    "leave out --upcycle");
  TextFinetuneOptions library;
  static_cast<TrainingOptions&>(library) = options.resolved(context);
  library.model = options.model;
  library.cache = options.cache;
  library.epochs = options.epochs.value_or(library.epochs);
  library.batch = options.batch.value_or(library.batch);
  library.sequence_length = options.sequence_length.value_or(library.sequence_length);
  library.part = options.part;
  library.teacher = options.teacher;
  library.teacher_share = options.teacher_share;
  library.prune = options.prune;
  split_text(options.task.data, library);
  const TextFinetuneSummary summary = finetune_text(library);
  return {"finetune", library.out, summary, summary.parameters, {}, {}};
}

RunSummary finetune_encoder(const FinetuneOptions& options, const pipeline::RunContext& context) {
  espalier::FinetuneOptions library;
  static_cast<TrainingOptions&>(library) = options.resolved(context);
  library.model = options.model;
  library.upcycle = options.upcycle.request();
  const bool questions = options.task.task == kQuestionTask;
  library.task = questions ? question_task() : pipeline::resolve_task(options.task);
  library.data = parse_task_files(options.task.data);
  library.epochs = options.epochs.value_or(library.epochs);
  library.batch = options.batch.value_or(library.batch);
  library.sequence_length = options.sequence_length.value_or(questions ? 384 : library.sequence_length);
  library.train_examples = options.train_examples;
  library.hold_out = options.hold_out;
  library.router_jitter = options.router_jitter;
  library.prune = options.prune;
  const FinetuneSummary summary = questions ? finetune_spans(library) : espalier::finetune(library);
  return {"finetune", library.out, summary, summary.parameters, summary.eval, library.task.primary};
}

void describe_pruning(options::OptionTable& table, WindowRule& rule) {
  table.choice(
      "prune", rule.schedule, "SCHEDULE",
      {{"none", PruneSchedule::kNone}, {"eager", PruneSchedule::kEager}, {"staged", PruneSchedule::kStaged}},
      "none; eager: drop every expert under a threshold at the end of each window, and all but the "
      "best at half time; staged: drop the worst one at the end of each window");
  std::vector<std::pair<std::string, const Criterion*>> names;
  std::string known = "what a window measures of each expert:";
  for (const Criterion& criterion : criteria()) {
    names.emplace_back(criterion.name, &criterion);
    known += fmt::format("\n{}: {}", criterion.name, criterion.definition);
  }
  table.choice("criterion", rule.criterion, "NAME", std::move(names), known);
  table.add(
      "reference", rule.reference, "MODEL0",
      "model that router_norm_change and neuron_change compare with; default: the one the run starts from");
  table.add("beta", rule.beta, "X", "an expert goes under beta / survivors");
  table.add("gamma", rule.gamma, "X", "a window is gamma * steps / experts long");
  table.choice("force-drop", rule.force_drop, "WHEN",
               {{"windows", ForceDrop::kWindows}, {"half", ForceDrop::kHalf}, {"never", ForceDrop::kNever}},
               "when eager keeps the best expert alone: windows (after half of them), half (of the steps), "
               "never");
}

void describe_lengths(options::OptionTable& table, FinetuneOptions& o) {
  table.add("epochs", o.epochs, "N", "over the training examples (3) or the text (1); --steps wins").above(0);
  table.add("batch", o.batch, "N", "examples (32) or rows of text (16) per step").at_least(1);
  table
      .add("seq-len", o.sequence_length, "N",
           "longest sequence, special pieces included (128), the rest is cut; of a window of squad2 (384); "
           "or the length of a row of text "
           "(256)")
      .at_least(1);
  table
      .add("train-examples", o.train_examples, "N",
           "of a task: train on so many rows, the same ones in every run; default: all")
      .at_least(1);
  table
      .add("hold-out", o.hold_out, "SHARE",
           "of a task: measure on this share of the training rows, which are not trained on, and leave dev "
           "alone")
      .between(0, 0.9);
  table.add("router-jitter", o.router_jitter, "J", "router input times uniform(1 - J, 1 + J)").between(0, 1);
}

void describe_decoders(options::OptionTable& table, FinetuneOptions& o) {
  table.choice("train", o.part, "PART", {{"all", TrainedPart::kAll}, {"router", TrainedPart::kRouters}},
               "of a decoder: all weights, or the routers alone");
  table.add("teacher", o.teacher, "MODEL",
            "model that a decoder is to come close to, e.g. the one it was pruned from: minimises KL");
  table.add("teacher-share", o.teacher_share, "SHARE", "of the loss; the rest is the text's cross entropy")
      .between(0, 1);
  table.add("cache", o.cache, "DIR", "folder of the tokenized text; default: OUT/corpus").writes();
}

}  // namespace

FinetuneOptions::FinetuneOptions() {
  training = espalier::FinetuneOptions();
  training.steps = 0;  // as many as --epochs need
}

void describe(options::OptionTable& table, FinetuneOptions& o) {
  table
      .positional("model", o.model, "MODEL",
                  "checkpoint folder of a BERT-shaped encoder with its vocab.txt, of a decoder with its "
                  "tokenizer, or of a vision model")
      .require();
  pipeline::describe_task(table, o.task, std::string(kCausalTask) + " " + kQuestionTask + " ",
                          "causal_lm: text files, or train=FILE dev=FILE; else: ");
  describe_image_training(table, o.images);
  describe_pruning(table, o.prune);
  describe_lengths(table, o);
  describe_decoders(table, o);
  describe_training(table, o);
}

RunSummary finetune(const FinetuneOptions& options, const pipeline::RunContext& context) {
  if (options.images.given())
    return train_images("finetune", options.model, options.images, options, context, options.prune);
  if (options.task.task.empty())
    throw UserError("--task or --images is missing", "name what to fine-tune on: --task cola, --images DIR");
  return options.task.task == kCausalTask ? finetune_decoder(options, context)
                                          : finetune_encoder(options, context);
}

pipeline::Verb finetune_verb() {
  return pipeline::make_verb(
      {"finetune", "fine-tune on a task, text or images, and prune experts on the way",
       "Examples:\n  espalier finetune models/mini-moe --task wordnet --prune eager --epochs 1 --out "
       "runs/wordnet\n  espalier finetune models/mini-mixtral --task causal_lm --data news.txt --prune eager "
       "--out runs/news\n  espalier finetune models/mini-vmoe --images cifar10 --classes ship,truck --steps "
       "500 "
       "--out runs/two",
       210},
      finetune);
}

}  // namespace espalier::training
