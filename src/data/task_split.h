#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/task.h"
#include "data/task_files.h"

namespace espalier {

/// One row of a task.
struct Example {
  std::string first;
  std::optional<std::string> second;  ///< of a task over pairs; may be empty
  int label = 0;                      ///< index into the task's labels; classification
  double value = 0;                   ///< regression
};

/// Training and evaluation need labels; prediction leaves the column alone, which may not be there.
enum class Labels { kRequired, kIgnored };

/// A split in memory.
struct TaskSplit {
  Task task;                      ///< with the labels that the examples' numbers mean
  std::string split;              ///< "dev", as it was asked for
  std::filesystem::path file;     ///< where it was found; WordNet's folder
  bool labelled = false;          ///< whether `label` and `value` were read
  std::vector<Example> examples;  ///< in the file's order; at least one
  std::uint64_t skipped_rows = 0;
};

/// Reads a split. A table task without labels takes those of this file, sorted (by value if all are numbers),
/// so read `train` first and the other splits with its `task`. Throws UserError naming file and line.
TaskSplit read_task_split(const Task& task, const TaskFiles& data, std::string_view split,
                          Labels labels = Labels::kRequired);

/// Parses the rows of a table; `name` stands in errors. `read_task_split` without the files.
TaskSplit parse_task_table(const Task& task, const LineSource& lines, TableFormat format,
                           const std::string& name, Labels labels = Labels::kRequired);

/// Keeps `count` of the examples, drawn once for all: the same in every run, in the file's order. All stay
/// where there are no more.
void keep_examples(TaskSplit& split, std::size_t count);

/// Takes a share of the examples away, drawn once for all, into a split "held_out" of the same task. Throws
/// UserError where that would be none or all of them.
TaskSplit hold_out(TaskSplit& split, double share);

}  // namespace espalier
