#include <cstdlib>
#include <string>

#include "base/error.h"
#include "data/task_split.h"

namespace {

using namespace espalier;

/// A task for each way of reading: pairs, positions, rows left out, open labels, values.
const Task& task_for(unsigned choice) {
  static const std::vector<Task> tasks{find_task("rte"), find_task("cola"),
                                       find_task("qqp"), find_task("stsb"),
                                       table_task({}),   table_task({.kind = TaskKind::kRegression})};
  return tasks[choice % tasks.size()];
}

void check(const TaskSplit& split) {
  if (split.examples.empty()) std::abort();
  for (const auto& example : split.examples) {
    if (example.second.has_value() != split.task.has_pairs()) std::abort();
    if (split.task.kind == TaskKind::kRegression) {
      if (!(example.value >= split.task.values.lowest && example.value <= split.task.values.highest))
        std::abort();
    } else if (split.labelled) {
      if (example.label < 0 || example.label >= static_cast<int>(split.task.labels.size())) std::abort();
    }
  }
}

}  // namespace

// The first byte chooses task, format and whether labels are wanted. Whatever follows: a UserError that names
// the source on one line, or examples whose labels and values are the task's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const auto format = static_cast<TableFormat>(choice / 6 % 3);
  const auto labels = choice / 18 % 2 == 0 ? Labels::kRequired : Labels::kIgnored;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    check(parse_task_table(task_for(choice), lines_of(text), format, "fuzz", labels));
  } catch (const UserError& error) {
    const std::string what = error.what();
    if (!what.starts_with("fuzz: ") || (what + error.hint()).find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
