#include "pipeline/task_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace espalier::pipeline {

void describe_task(options::OptionTable& table, TaskChoice& choice, const std::string& more_tasks,
                   const std::string& more_data) {
  std::string names = more_tasks;
  for (const Task& task : all_tasks()) names += fmt::format("{}{}", names.empty() ? "" : " ", task.name);
  table.add("task", choice.task, "TASK", names);
  table.add("data", choice.data, "DIR",
            more_data + "folder of the task's files, or train=FILE dev=FILE; wordnet has a default");
  table.add("text-column", choice.table.text, "NAME", "of the task table");
  table.add("second-text-column", choice.table.second_text, "NAME", "of the task table, for pairs of texts");
  table.add("label-column", choice.table.label, "NAME", "of the task table");
  table.flag("regression", choice.regression, "the task table's labels are numbers to predict");
}

Task resolve_task(const TaskChoice& choice) {
  const Task& task = find_task(choice.task);
  if (task.source == TaskSource::kTable) {
    TableTaskOptions table = choice.table;
    if (choice.regression) table.kind = TaskKind::kRegression;
    return table_task(table);
  }
  const TableTaskOptions untouched;
  const TableTaskOptions& table = choice.table;
  if (choice.regression || table.text != untouched.text || table.second_text != untouched.second_text ||
      table.label != untouched.label)
    throw UserError(fmt::format("--task {} knows its own columns", task.name),
                    "columns are named for --task table alone");
  return task;
}

std::string metrics_text(const std::vector<std::string>& primary,
                         const std::map<std::string, double>& metrics) {
  std::string text;
  const auto add = [&](const std::string& name, double value) {
    const bool loss = name == "loss";
    text +=
        fmt::format("{}{} {:.{}f}", text.empty() ? "" : ", ", name, loss ? value : 100 * value, loss ? 4 : 2);
  };
  for (const std::string& name : primary)
    if (const auto found = metrics.find(name); found != metrics.end()) add(name, found->second);
  for (const auto& [name, value] : metrics)
    if (std::find(primary.begin(), primary.end(), name) == primary.end()) add(name, value);
  return text;
}

}  // namespace espalier::pipeline
