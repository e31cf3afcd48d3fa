#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "data/text_file.h"
#include "eval/task_evaluation.h"
#include "text/model_tokenizer.h"

namespace espalier {
namespace {

struct PredictArguments {
  std::string model, file;
  std::int64_t sequence_length = 0;  // 0: what the model holds, at most 128
};

/// What the model itself says it answers.
Task task_of(const infer::EncoderModel& model, const std::string& source) {
  if (!model.classifier)
    throw UserError(fmt::format("{}: the model has no classification head", source),
                    "predict with a model that `espalier finetune` left");
  Task task;
  task.name = model.config.fields.value("finetuning_task", "predict");
  task.source = TaskSource::kTable;
  const bool regression = model.config.num_labels() == 1;
  task.kind = regression ? TaskKind::kRegression : TaskKind::kClassification;
  if (!regression) task.labels = model.config.labels;
  for (auto i = static_cast<std::int64_t>(task.labels.size()); !regression && i < model.config.num_labels();
       ++i)
    task.labels.push_back(fmt::format("LABEL_{}", i));
  return task;
}

/// One text a line; a tab divides a pair.
TaskSplit read_lines(const Task& task, const std::string& file) {
  TaskSplit split{.task = task, .split = "predict", .file = file};
  std::size_t pairs = 0;
  TextFile lines(file.empty() || file == "-" ? "/dev/stdin" : file);
  while (const auto line = lines.next_line()) {
    Example example;
    const auto tab = line->find('\t');
    example.first = std::string(line->substr(0, tab));
    if (tab != std::string_view::npos) example.second = std::string(line->substr(tab + 1));
    pairs += example.second ? 1 : 0;
    split.examples.push_back(std::move(example));
    if (pairs != 0 && pairs != split.examples.size())
      throw UserError(fmt::format("{}:{}: some lines have a tab and some have none", lines.path().string(),
                                  lines.line_number()),
                      "a line is one text, or two with a tab between them, in the whole file");
  }
  if (split.examples.empty())
    throw UserError(fmt::format("{}: no lines", lines.path().string()), "expected a text a line");
  return split;
}

void run_predict(const PredictArguments& arguments, const GlobalOptions& global) {
  const auto model = infer::load_encoder(Checkpoint::open(arguments.model));
  const auto task = task_of(model, arguments.model);
  const auto tokenizer = load_tokenizer(arguments.model);
  check_vocabulary_size(model.config, tokenizer.vocabulary_size(), arguments.model);
  const auto longest = model.config.max_position_embeddings;
  const auto length = arguments.sequence_length == 0 ? longest : std::min(arguments.sequence_length, longest);
  const Terminal terminal(global);
  const auto examples = encode_examples(read_lines(task, arguments.file), tokenizer, length);
  const auto predictions = predict_task(model, task, examples, terminal.progress());
  terminal.finish();
  for (const auto& [answer, probability] : predictions) {
    const auto label = probability ? task.labels.at(static_cast<std::size_t>(answer)) : std::string();
    if (global.json)
      std::cout << (probability ? nlohmann::ordered_json{{"label", label}, {"probability", *probability}}
                                : nlohmann::ordered_json{{"value", answer}})
                       .dump()
                << '\n';
    else
      std::cout << (probability ? fmt::format("{}\t{:.4f}\n", label, *probability)
                                : fmt::format("{:.4f}\n", answer));
  }
}

}  // namespace

void add_predict(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<PredictArguments>();
  auto& a = *arguments;
  app.add_option("model", a.model, "folder of a fine-tuned model")->required()->type_name("MODEL");
  app.add_option("file", a.file, "a text a line, or two with a tab between them; default: standard input")
      ->type_name("FILE");
  app.add_option("--seq-len", a.sequence_length, "longest sequence; default: what the model holds")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  app.footer("Example:\n  espalier predict runs/wordnet/model lines.txt");
  app.callback([arguments, &global] { run_predict(*arguments, global); });
}

}  // namespace espalier
