#include "data/task_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/error.h"
#include "data/shown_text.h"
#include "data/text_file.h"
#include "data/wordnet.h"

namespace espalier {
namespace {

constexpr std::size_t kMostLabels = 1000;  // of an open task; more is a column of another kind
constexpr const char* kUnlabelledHint = "a file without labels can be predicted, not trained on or evaluated";

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// A label that no class should have: none at all, one that differs from another in blanks, pandas' "nan".
void check_label(const std::string& label, const Task& task, const TableReader& row) {
  const auto wrong = [&](const std::string& what, const char* hint) {
    throw UserError(
        fmt::format("{}: the column \"{}\" holds {}, expected a label", row.where(), task.label, what), hint);
  };
  if (is_blank(label)) wrong("\"\"", "correct the row or leave it out");
  if (label.find_first_of(" \t\r\v\f") == 0 || label.find_last_of(" \t\r\v\f") == label.size() - 1)
    wrong(fmt::format("\"{}\"", shown_text(label)), "take the blanks around the label away");
  if (label == "nan" || label == "NaN" || label == "<NA>")
    wrong(fmt::format("\"{}\"", label),
          "so pandas writes what is missing: leave the row out, or give the class another name");
}

/// GLUE's own files are .tsv; data sets of the hub are saved as others.
bool may_be_of_hub(const Task& task, TableFormat format) {
  return task.source == TaskSource::kGlue && format != TableFormat::kTsv;
}

/// The hub's data sets of GLUE hold numbers: places in the list of labels. -1: not published.
std::optional<int> hub_label(const Task& task, const std::string& label, TableFormat format) {
  const auto number = number_in(label);
  if (!may_be_of_hub(task, format) || !number || *number != std::floor(*number)) return std::nullopt;
  if (*number < 0 || *number >= static_cast<double>(task.labels.size())) return std::nullopt;
  return static_cast<int>(*number);
}

// Numbers the labels of a file: those of the task, or those that come, which are sorted at the end.
class LabelNumbers {
 public:
  LabelNumbers(const Task& task, TableFormat format)
      : task_(task), open_(task.labels.empty()), format_(format) {
    for (const auto& label : task.labels) numbers_.emplace(label, static_cast<int>(numbers_.size()));
  }

  int number(const std::string& label, const TableReader& row) {
    if (const auto found = numbers_.find(label); found != numbers_.end()) return found->second;
    check_label(label, task_, row);
    if (const auto number = hub_label(task_, label, format_)) return *number;
    if (!open_) {
      throw UserError(fmt::format("{}: the column \"{}\" holds \"{}\", expected one of {}", row.where(),
                                  task_.label, shown_text(label), label_list(task_.labels)),
                      task_.source == TaskSource::kTable
                          ? "every split has the labels of the training file (or of the model)"
                      : label == "-1" ? "-1 stands where labels are not published: take the validation split"
                                      : "see that the file belongs to this task");
    }
    if (numbers_.size() == kMostLabels) {
      throw UserError(
          fmt::format("{}: more than {} different labels in \"{}\"", row.where(), kMostLabels, task_.label),
          "name the column of the labels, or ask for a regression");
    }
    return numbers_.emplace(label, static_cast<int>(numbers_.size())).first->second;
  }

  /// Closes an open set: sorts the labels and renumbers the examples.
  void close(TaskSplit& split, const std::string& name) const {
    if (!open_) return;
    if (numbers_.size() < 2) {
      throw UserError(fmt::format("{}: every row has the label \"{}\", expected at least two labels", name,
                                  shown_text(numbers_.begin()->first)),
                      fmt::format("see that \"{}\" is the column of the labels", task_.label));
    }
    auto& labels = split.task.labels;
    for (const auto& [label, number] : numbers_) labels.push_back(label);
    if (std::all_of(labels.begin(), labels.end(), [](const auto& label) { return number_in(label); })) {
      std::stable_sort(labels.begin(), labels.end(),
                       [](const auto& a, const auto& b) { return *number_in(a) < *number_in(b); });
    }
    std::vector<int> place(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      place[static_cast<std::size_t>(numbers_.at(labels[i]))] = static_cast<int>(i);
    }
    for (auto& example : split.examples) example.label = place[static_cast<std::size_t>(example.label)];
  }

 private:
  const Task& task_;
  bool open_;
  TableFormat format_;
  std::map<std::string, int> numbers_;
};

double value_of(const std::string& text, const Task& task, const TableReader& row) {
  const auto value = number_in(text);
  const auto [lowest, highest] = task.values;
  if (value && *value >= lowest && *value <= highest) return *value;
  throw UserError(fmt::format("{}: the column \"{}\" holds \"{}\", expected a number{}", row.where(),
                              task.label, shown_text(text),
                              std::isfinite(lowest) ? fmt::format(" from {} to {}", lowest, highest) : ""),
                  "correct the row or leave it out");
}

/// What the hub's data sets call the columns of GLUE's files.
std::string hub_name(const Task& task, std::string_view column, TableFormat format) {
  static const std::map<std::string_view, const char*> kNames{
      {"#1 String", "sentence1"}, {"#2 String", "sentence2"}, {"Quality", "label"},
      {"score", "label"},         {"is_duplicate", "label"},  {"gold_label", "label"}};
  if (!may_be_of_hub(task, format)) return {};
  if (task.name == "mnli" && column == task.first) return "premise";
  if (task.name == "mnli" && column == task.second) return "hypothesis";
  const auto found = kNames.find(column);
  return found == kNames.end() ? std::string() : found->second;
}

TableColumns columns_of(const Task& task, Labels labels, TableFormat format) {
  TableColumns columns{.positions = task.positions, .uneven = task.uneven};
  columns.wanted.push_back({task.first, "", hub_name(task, task.first, format)});
  if (task.has_pairs()) columns.wanted.push_back({task.second, "", hub_name(task, task.second, format)});
  if (labels == Labels::kRequired)
    columns.wanted.push_back({task.label, kUnlabelledHint, hub_name(task, task.label, format)});
  return columns;
}

TaskSplit read_wordnet_split(const Task& task, const TaskFiles& data, std::string_view split) {
  if (!data.files.empty()) {
    throw UserError("task wordnet: --data names files, expected WordNet's folder",
                    "leave --data out; the splits are made from the definitions");
  }
  const std::map<std::string_view, Split> splits{
      {"train", Split::kTrain}, {"dev", Split::kDev}, {"test", Split::kTest}};
  const auto wanted = splits.find(split);
  if (wanted == splits.end()) {
    throw UserError(fmt::format("task wordnet: there is no split \"{}\"", split), "known: train, dev, test");
  }
  TaskSplit result{
      .task = task, .file = data.folder.empty() ? kWordNetFolder : data.folder, .labelled = true};
  std::map<std::string_view, int> numbers;
  for (const auto& label : task.labels) numbers.emplace(label, static_cast<int>(numbers.size()));
  for (auto& synset : read_wordnet(result.file)) {
    if (split_of(synset.definition) != wanted->second) continue;
    const int label = numbers.at(kWordNetCategories[static_cast<std::size_t>(synset.category)]);
    result.examples.push_back({.first = std::move(synset.definition), .label = label});
  }
  return result;
}

}  // namespace

TaskSplit parse_task_table(const Task& task, const LineSource& lines, TableFormat format,
                           const std::string& name, Labels labels) {
  TaskSplit split{.task = task, .labelled = labels == Labels::kRequired};
  TableReader rows(lines, format, columns_of(task, labels, format), name);
  LabelNumbers numbers(task, format);
  while (rows.next()) {
    const auto& fields = rows.fields();
    Example example{.first = fields.front()};
    if (task.has_pairs()) example.second = fields[1];
    if (split.labelled && task.kind == TaskKind::kRegression) {
      example.value = value_of(fields.back(), task, rows);
    } else if (split.labelled) {
      example.label = numbers.number(fields.back(), rows);
    }
    split.examples.push_back(std::move(example));
  }
  if (split.examples.empty()) throw UserError(fmt::format("{}: there are no rows", name), "check the file");
  if (split.labelled && task.kind == TaskKind::kClassification) numbers.close(split, name);
  split.skipped_rows = rows.skipped_rows();
  return split;
}

TaskSplit read_task_split(const Task& task, const TaskFiles& data, std::string_view split, Labels labels) {
  TaskSplit result;
  if (task.source == TaskSource::kWordNet) {
    result = read_wordnet_split(task, data, split);
  } else {
    const auto path = find_split_file(task, data, split);
    const auto format = table_format(path);
    TextFile file(path);
    result = parse_task_table(
        task, [&file] { return file.next_line(); }, format, path.string(), labels);
    result.file = path;
  }
  result.split = split;
  return result;
}

}  // namespace espalier
