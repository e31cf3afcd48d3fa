#include "data/task_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "base/error.h"
#include "base/links.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSplitCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";

std::vector<std::string> stems_of(std::string_view split) {
  if (split == "train") return {"train", "train_sample"};
  if (split == "dev") return {"dev", "dev_matched", "heldout_sample"};
  if (split == "test") return {"test", "test_matched"};
  return {std::string(split)};
}

std::string where_to_get(const Task& task) {
  if (task.source == TaskSource::kTable) {
    return "--data DIR with train.tsv and dev.tsv (or .csv, .jsonl), or --data train=FILE dev=FILE";
  }
  return fmt::format(
      "GLUE is at https://gluebenchmark.com/tasks; --data DIR holds {}/train.tsv and {}/dev.tsv, or just "
      "these",
      task.folders.front(), task.folders.front());
}

fs::path folder_of(const Task& task, const fs::path& data) {
  if (data.empty()) throw UserError(fmt::format("task {}: --data is missing", task.name), where_to_get(task));
  if (!fs::exists(data)) {
    throw UserError(fmt::format("{}: there is no such folder", data.string()), where_to_get(task));
  }
  if (!fs::is_directory(data)) {
    throw UserError(fmt::format("{}: is a file, expected a folder", data.string()),
                    "name a single file together with its split: --data train=FILE dev=FILE");
  }
  for (const auto& name : task.folders) {
    if (fs::is_directory(data / name)) return data / name;
  }
  return data;
}

std::optional<fs::path> first_existing(const fs::path& folder, std::span<const std::string> names) {
  for (const auto& name : names) {
    for (const char* packed : {"", ".gz", ".zst"}) {
      const auto file = folder / (name + packed);
      if (fs::is_regular_file(file)) return file;
    }
  }
  return std::nullopt;
}

fs::path named_file(const TaskFiles& data, std::string_view split) {
  if (const auto found = data.files.find(split); found != data.files.end()) {
    expect_input(found->second);
    return found->second;
  }
  std::vector<std::string_view> known;
  for (const auto& [name, file] : data.files) known.push_back(name);
  throw UserError(
      fmt::format("--data names no file of the split {}, only {}", split, fmt::join(known, " and ")),
      fmt::format("add {}=FILE", split));
}

}  // namespace

TaskFiles parse_task_files(std::span<const std::string> arguments) {
  TaskFiles data;
  for (const std::string& argument : arguments) {
    const auto end = argument.find_first_not_of(kSplitCharacters);
    const bool names_split = end != std::string::npos && end > 0 && argument[end] == '=';
    if (!names_split) {
      if (!data.folder.empty()) {
        throw UserError(fmt::format("--data: two folders, {} and {}", data.folder.string(), argument),
                        "--data DIR, or --data train=FILE dev=FILE");
      }
      data.folder = argument;
    } else if (!data.files.emplace(argument.substr(0, end), argument.substr(end + 1)).second) {
      throw UserError(fmt::format("--data: two files of the split {}", argument.substr(0, end)),
                      "name one file for each split");
    }
  }
  if (!data.folder.empty() && !data.files.empty()) {
    throw UserError(fmt::format("--data: the folder {} and files of splits", data.folder.string()),
                    "--data DIR, or --data train=FILE dev=FILE");
  }
  return data;
}

fs::path find_split_file(const Task& task, const TaskFiles& data, std::string_view split) {
  if (!data.files.empty()) return named_file(data, split);
  const auto folder = folder_of(task, data.folder);
  std::vector<std::string> names;
  for (const auto& stem : stems_of(split)) {
    names.push_back(stem + ".tsv");
    if (task.source == TaskSource::kTable) {
      names.push_back(stem + ".csv");
      names.push_back(stem + ".jsonl");
    }
  }
  if (const auto file = first_existing(folder, names)) return *file;
  throw UserError(fmt::format("{}: there is no file of the split {} of task {}, expected {} (or .gz, .zst)",
                              folder.string(), split, task.name, fmt::join(names, ", ")),
                  where_to_get(task));
}

}  // namespace espalier
