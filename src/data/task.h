#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/table.h"

namespace espalier {

enum class TaskKind { kClassification, kRegression };

/// Where the examples of a task come from: GLUE's files, WordNet's dictionary, a table of the user's.
enum class TaskSource { kGlue, kWordNet, kTable };

/// Bounds of a regression's values, both included.
struct ValueRange {
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
};

/// What a task asks, how its files are read and how answers are measured.
struct Task {
  std::string name;  ///< as --task says it
  TaskSource source = TaskSource::kGlue;
  TaskKind kind = TaskKind::kClassification;
  /// A label's number is its place here (Hugging Face's order). Empty for regression, and for a table whose
  /// training file was not read yet.
  std::vector<std::string> labels;
  std::string positive;  ///< the label that F1 counts; empty where F1 is not measured
  ValueRange values;

  std::vector<std::string> metrics;  ///< what is measured: names of data/task_metrics.h
  std::vector<std::string> primary;  ///< of these; their mean is the task's one number

  std::vector<std::string> folders;    ///< names to look for under --data
  std::string first;                   ///< column of the text
  std::string second;                  ///< column of the other text of a pair; empty: one text
  std::string label;                   ///< column of the label or value
  std::vector<std::string> positions;  ///< columns of a file without a header
  UnevenRows uneven = UnevenRows::kError;

  bool has_pairs() const { return !second.empty(); }
};

/// Every task, in a fixed order. `table` stands there with the columns "text" and "label".
std::span<const Task> all_tasks();

/// Throws UserError with the nearest name.
const Task& find_task(std::string_view name);

/// The columns of a task over the user's own table.
struct TableTaskOptions {
  std::string text = "text";
  std::string second_text;  ///< empty: one text
  std::string label = "label";
  TaskKind kind = TaskKind::kClassification;
};
/// The labels are open: reading the training file fills them.
Task table_task(const TableTaskOptions& options);

/// The task with its labels numbered as a model numbers them. They may come in another order, and Hugging
/// Face's names for nameless labels (LABEL_0, LABEL_1, ..) stand for the task's own order. Another set of
/// labels is a UserError that begins with `model`. Regression has none and is returned as it is.
Task with_labels(Task task, std::vector<std::string> labels, std::string_view model);

/// "entailment, neutral, contradiction", for messages; a long list is cut.
std::string label_list(std::span<const std::string> labels);

}  // namespace espalier
