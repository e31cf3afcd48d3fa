#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/task_files.h"
#include "options/option_table.h"

namespace espalier::pipeline {

/// A task, its files, and the columns of a table, as the verbs over tasks share them.
struct TaskChoice {
  std::string task;
  std::vector<std::string> data;
  TableTaskOptions table;
  bool regression = false;  ///< the table's labels are numbers to predict
};

/// --task, --data and the columns. `more_tasks` and `more_data` open their help: what the verb has beside the
/// tasks of data/task.h.
void describe_task(options::OptionTable& table, TaskChoice& choice, const std::string& more_tasks,
                   const std::string& more_data);

/// The task they name. Throws UserError for columns of a task that knows its own.
Task resolve_task(const TaskChoice& choice);

/// "accuracy 73.10, loss 0.9120": metrics as people quote them, times 100 but for the loss; `primary` first.
std::string metrics_text(const std::vector<std::string>& primary,
                         const std::map<std::string, double>& metrics);

}  // namespace espalier::pipeline
