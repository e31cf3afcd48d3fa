#include "data/task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "data/shown_text.h"
#include "data/wordnet.h"

namespace espalier {
namespace {

using Names = std::vector<std::string>;

constexpr std::size_t kListedLabels = 16;

Task single(const char* name, const char* folder, const char* text, Names labels) {
  return {.name = name,
          .labels = std::move(labels),
          .metrics = {"accuracy"},
          .primary = {"accuracy"},
          .folders = {folder},
          .first = text,
          .label = "label"};
}

Task pair(const char* name, Names folders, const char* first, const char* second, const char* label,
          Names labels) {
  return {.name = name,
          .labels = std::move(labels),
          .metrics = {"accuracy"},
          .primary = {"accuracy"},
          .folders = std::move(folders),
          .first = first,
          .second = second,
          .label = label};
}

// The metrics are those of GLUE (Wang et al. 2018, table 1); with two, their mean is the primary one.
Task measured(Task task, Names metrics, Names primary, const char* positive = "") {
  task.metrics = std::move(metrics);
  task.primary = std::move(primary);
  task.positive = positive;
  return task;
}

Task cola() {
  auto task =
      measured(single("cola", "CoLA", "sentence", {"0", "1"}), {"matthews", "accuracy"}, {"matthews"});
  task.positions = {"source", "label", "star", "sentence"};
  return task;
}

Task stsb() {
  auto task = measured(pair("stsb", {"STS-B"}, "sentence1", "sentence2", "score", {}),
                       {"pearson", "spearman"}, {"pearson", "spearman"});
  task.kind = TaskKind::kRegression;
  task.values = {0.0, 5.0};
  return task;
}

// Some questions of the official train.tsv are broken over two lines; everybody leaves those rows out
// (fairseq's preprocess_GLUE_tasks.sh, Hugging Face's glue.py).
Task qqp() {
  auto task =
      measured(pair("qqp", {"QQP", "QQP-partial"}, "question1", "question2", "is_duplicate", {"0", "1"}),
               {"accuracy", "f1"}, {"accuracy"}, "1");
  task.uneven = UnevenRows::kSkip;
  return task;
}

Task wordnet() {
  auto task = single("wordnet", "", "definition", {kWordNetCategories.begin(), kWordNetCategories.end()});
  task.source = TaskSource::kWordNet;
  task.folders.clear();
  return task;
}

std::vector<Task> make_tasks() {
  const Names entailment{"entailment", "not_entailment"};
  return {cola(),
          single("sst2", "SST-2", "sentence", {"0", "1"}),
          measured(pair("mrpc", {"MRPC"}, "#1 String", "#2 String", "Quality", {"0", "1"}),
                   {"accuracy", "f1"}, {"accuracy", "f1"}, "1"),
          stsb(),
          pair("rte", {"RTE"}, "sentence1", "sentence2", "label", entailment),
          pair("qnli", {"QNLI"}, "question", "sentence", "label", entailment),
          pair("mnli", {"MNLI"}, "sentence1", "sentence2", "gold_label",
               {"entailment", "neutral", "contradiction"}),
          qqp(),
          wordnet(),
          table_task({})};
}

bool is_nameless(std::span<const std::string> labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != fmt::format("LABEL_{}", i)) return false;
  }
  return true;
}

}  // namespace

std::span<const Task> all_tasks() {
  static const std::vector<Task> tasks = make_tasks();
  return tasks;
}

const Task& find_task(std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& task : all_tasks()) {
    if (task.name == name) return task;
    names.push_back(task.name);
  }
  throw UserError(fmt::format("there is no task \"{}\"", name), suggestion(name, names));
}

Task table_task(const TableTaskOptions& options) {
  Task task{.name = "table",
            .source = TaskSource::kTable,
            .kind = options.kind,
            .metrics = {"accuracy", "matthews"},
            .primary = {"accuracy"},
            .first = options.text,
            .second = options.second_text,
            .label = options.label};
  if (options.kind == TaskKind::kClassification) return task;
  return measured(std::move(task), {"pearson", "spearman"}, {"pearson", "spearman"});
}

std::string label_list(std::span<const std::string> labels) {
  std::vector<std::string> listed;
  for (const auto& label : labels.first(std::min(labels.size(), kListedLabels))) {
    listed.push_back(shown_text(label));
  }
  return fmt::format("{}{}", fmt::join(listed, ", "), listed.size() < labels.size() ? ", ..." : "");
}

Task with_labels(Task task, std::vector<std::string> labels, std::string_view model) {
  if (task.kind == TaskKind::kRegression) return task;
  auto sorted = labels, own = task.labels;
  std::sort(sorted.begin(), sorted.end());
  std::sort(own.begin(), own.end());
  if (task.labels.empty() || sorted == own) {
    task.labels = std::move(labels);
  } else if (labels.size() != own.size() || !is_nameless(labels)) {
    throw UserError(fmt::format("{}: the model's labels are {}; those of the task {} are {}", model,
                                label_list(labels), task.name, label_list(task.labels)),
                    "take a model that was fine-tuned on this task, or its own --task");
  }
  return task;
}

}  // namespace espalier
