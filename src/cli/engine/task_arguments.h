#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "data/task_files.h"

namespace espalier {

/// --task, --data and the columns of a table, as the verbs over tasks share them.
struct TaskArguments {
  std::string task;
  std::vector<std::string> data;
  TableTaskOptions table;
  bool regression = false;
};

void add_task_options(CLI::App& app, TaskArguments& arguments);
void add_table_options(CLI::App& app, TaskArguments& arguments);

/// The task they name. Throws UserError for columns of a task that knows its own.
Task resolve_task(const TaskArguments& arguments);

/// "accuracy 73.1, loss 0.912": metrics as people quote them, times 100 but for the loss; the primary first.
std::string metrics_text(const Task& task, const std::map<std::string, double>& metrics);

}  // namespace espalier
