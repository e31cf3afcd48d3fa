#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "data/task.h"

namespace espalier {

/// What --data said.
struct TaskFiles {
  std::filesystem::path folder;  ///< empty: the task's own default, where it has one
  std::map<std::string, std::filesystem::path, std::less<>>
      files;  ///< split -> its file; instead of a folder
};

/// Reads `--data DIR`, `--data train=FILE dev=FILE` or nothing. A split's name is lower-case letters, digits
/// and "_"; anything else before a "=" belongs to a folder's name.
TaskFiles parse_task_files(std::span<const std::string> arguments);

/// The file of a split. In a folder (one of the task's own names under --data, else --data itself) these
/// names are tried in turn, each plain, .gz and .zst:
///   train -> train, train_sample; dev -> dev, dev_matched, heldout_sample; test -> test, test_matched;
///   another -> itself,
/// ending in .tsv, for the task `table` then .csv and .jsonl.
/// Throws UserError naming the place, the names tried, and where to get the data. Not for WordNet.
std::filesystem::path find_split_file(const Task& task, const TaskFiles& data, std::string_view split);

}  // namespace espalier
