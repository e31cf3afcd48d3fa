#include "cli/engine/task_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace espalier {

void add_task_options(CLI::App& app, TaskArguments& arguments) {
  std::string names;
  for (const auto& task : all_tasks()) names += fmt::format("{}{}", names.empty() ? "" : " ", task.name);
  app.add_option("--task", arguments.task, names)->required()->type_name("TASK");
  app.add_option("--data", arguments.data,
                 "folder of the task's files, or train=FILE dev=FILE; wordnet has a default")
      ->type_name("DIR");
  add_table_options(app, arguments);
}

void add_table_options(CLI::App& app, TaskArguments& arguments) {
  app.add_option("--text-column", arguments.table.text, "of the task table")->type_name("NAME");
  app.add_option("--second-text-column", arguments.table.second_text, "of the task table, for pairs of texts")
      ->type_name("NAME");
  app.add_option("--label-column", arguments.table.label, "of the task table")->type_name("NAME");
  app.add_flag("--regression", arguments.regression, "the task table's labels are numbers to predict");
}

Task resolve_task(const TaskArguments& arguments) {
  const auto& task = find_task(arguments.task);
  if (task.source == TaskSource::kTable) {
    auto table = arguments.table;
    if (arguments.regression) table.kind = TaskKind::kRegression;
    return table_task(table);
  }
  const TableTaskOptions untouched;
  const auto& table = arguments.table;
  if (arguments.regression || table.text != untouched.text || table.second_text != untouched.second_text ||
      table.label != untouched.label)
    throw UserError(fmt::format("--task {} knows its own columns", task.name),
                    "columns are named for --task table alone");
  return task;
}

std::string metrics_text(const Task& task, const std::map<std::string, double>& metrics) {
  std::string text;
  const auto add = [&](const std::string& name, double value) {
    const bool loss = name == "loss";
    text +=
        fmt::format("{}{} {:.{}f}", text.empty() ? "" : ", ", name, loss ? value : 100 * value, loss ? 4 : 2);
  };
  for (const auto& name : task.primary)
    if (const auto found = metrics.find(name); found != metrics.end()) add(name, found->second);
  for (const auto& [name, value] : metrics)
    if (std::find(task.primary.begin(), task.primary.end(), name) == task.primary.end()) add(name, value);
  return text;
}

}  // namespace espalier
