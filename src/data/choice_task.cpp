#include "data/choice_task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/choice_wording.h"
#include "data/json_line.h"
#include "data/table.h"
#include "data/text_file.h"
#include "data/text_kind.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

std::vector<ChoiceTask> make_tasks() {
  return {{"boolq", {"boolq", "BoolQ"}, "dev", false, boolq_item},
          {"openbookqa", {"openbookqa"}, "test", true, openbookqa_item},
          {"arc_easy", {"arc_easy"}, "test", true, arc_item},
          {"arc_challenge", {"arc_challenge"}, "test", true, arc_item},
          {"piqa", {"piqa"}, "dev", true, piqa_item},
          {"winogrande", {"winogrande", "winogrande_xl"}, "dev", false, winogrande_item},
          {"hellaswag", {"hellaswag"}, "dev", true, hellaswag_item},
          {"mmlu", {"mmlu"}, "test", false, mmlu_item},
          {"rte", {"RTE", "rte"}, "dev", false, rte_item}};
}

std::vector<std::string> stems_of(std::string_view split) {
  if (split == "dev" || split == "validation") return {"dev", "val", "validation", "val_subset2000"};
  return {std::string(split)};
}

/// Rows of a TSV as objects of texts.
std::vector<ChoiceItem> read_table_items(const ChoiceTask& task, const fs::path& file) {
  const std::vector<std::string> columns = {"sentence1", "sentence2", "label"};
  TableColumns wanted;
  for (const auto& column : columns) wanted.wanted.push_back({column, "the columns of GLUE's RTE"});
  TextFile text(file);
  TableReader reader([&] { return text.next_line(); }, table_format(file), wanted, file.string());
  std::vector<ChoiceItem> items;
  while (reader.next()) {
    nlohmann::json row;
    for (std::size_t i = 0; i < columns.size(); ++i) row[columns[i]] = reader.fields()[i];
    JsonObject object(row, reader.where());
    items.push_back(task.item(object));
  }
  return items;
}

std::size_t best(std::span<const double> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

void put_share(std::map<std::string, double>& metrics, const std::string& name, std::size_t right,
               std::size_t items) {
  const double share = static_cast<double>(right) / static_cast<double>(items);
  metrics[name] = share;
  // Of the mean of n draws of 0 or 1, with the sample's variance.
  metrics[name + "_stderr"] =
      items < 2 ? std::nan("") : std::sqrt(share * (1.0 - share) / static_cast<double>(items - 1));
}

}  // namespace

std::span<const ChoiceTask> choice_tasks() {
  static const std::vector<ChoiceTask> tasks = make_tasks();
  return tasks;
}

const ChoiceTask* find_choice_task(std::string_view name) {
  for (const ChoiceTask& task : choice_tasks()) {
    if (task.name == name) return &task;
  }
  return nullptr;
}

fs::path find_choice_file(const ChoiceTask& task, const TaskFiles& data, std::string_view split) {
  if (const auto named = data.files.find(split); named != data.files.end()) return named->second;
  const std::string hint = fmt::format("--data DIR holds {}/{}.jsonl, or --data {}=FILE",
                                       task.folders.front(), stems_of(split).back(), split);
  if (!fs::is_directory(data.folder)) {
    throw UserError(
        fmt::format("task {}: {}", task.name,
                    data.folder.empty() ? "--data is missing" : data.folder.string() + " is no folder"),
        hint);
  }
  fs::path folder = data.folder;
  for (const auto& name : task.folders) {
    if (fs::is_directory(data.folder / name)) {
      folder = data.folder / name;
      break;
    }
  }
  for (const auto& stem : stems_of(split)) {
    for (const char* ending : {".jsonl", ".jsonl.gz", ".jsonl.zst", ".tsv", ".tsv.gz"}) {
      if (fs::is_regular_file(folder / (stem + ending))) return folder / (stem + ending);
    }
  }
  throw UserError(
      fmt::format("{}: there is no file of the split {} of task {}, expected {} as .jsonl (or .gz, .zst)",
                  folder.string(), split, task.name, fmt::join(stems_of(split), " or ")),
      hint);
}

std::vector<ChoiceItem> read_choice_items(const ChoiceTask& task, const fs::path& file) {
  std::vector<ChoiceItem> items;
  if (text_kind(file) == TextKind::kJsonLines) {
    TextFile text(file);
    while (const auto line = text.next_line()) {
      if (is_blank(*line)) continue;
      const std::string where = fmt::format("{}: line {}", file.string(), text.line_number());
      JsonObject row(parse_json_line(*line, where), where);
      items.push_back(task.item(row));
    }
  } else {
    items = read_table_items(task, file);
  }
  if (items.empty()) throw UserError(fmt::format("{}: no items", file.string()), "the file is empty");
  return items;
}

ScoredSequence encode_choice(const Tokenizer& tokenizer, std::string_view context,
                             std::string_view continuation, std::int64_t positions) {
  const std::size_t end = context.find_last_not_of(" \t\n\r\v\f") + 1;  // npos + 1 is 0
  const std::string rest = std::string(context.substr(end)) + std::string(continuation);
  context = context.substr(0, end);
  const auto whole = tokenizer.encode(std::string(context) + rest);
  const std::size_t before = context.empty() ? 0 : tokenizer.encode(context).size();
  ScoredSequence sequence;
  if (before == 0) {
    const auto start = tokenizer.bos() ? tokenizer.bos() : tokenizer.eos();
    if (start) sequence.ids.push_back(*start);
  }
  sequence.ids.insert(sequence.ids.end(), whole.begin(), whole.end());
  sequence.scored = static_cast<std::int64_t>(whole.size() - std::min(before, whole.size()));
  const auto excess = static_cast<std::int64_t>(sequence.ids.size()) - (positions + 1);
  if (excess > 0) sequence.ids.erase(sequence.ids.begin(), sequence.ids.begin() + excess);
  // A token is scored by what stands before it, so the first never is.
  sequence.scored = std::min(sequence.scored, static_cast<std::int64_t>(sequence.ids.size()) - 1);
  return sequence;
}

std::map<std::string, double> choice_metrics(const ChoiceTask& task, std::span<const ChoiceItem> items,
                                             std::span<const std::vector<double>> log_likelihoods) {
  std::size_t right = 0, right_by_length = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::vector<double> scores = log_likelihoods[i];
    right += best(scores) == items[i].gold ? 1 : 0;
    for (std::size_t k = 0; k < scores.size(); ++k) {
      scores[k] /= static_cast<double>(std::max<std::size_t>(items[i].lengths[k], 1));
    }
    right_by_length += best(scores) == items[i].gold ? 1 : 0;
  }
  std::map<std::string, double> metrics;
  put_share(metrics, "accuracy", right, items.size());
  if (task.normalised) put_share(metrics, "accuracy_norm", right_by_length, items.size());
  return metrics;
}

}  // namespace espalier
