#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sweep/grid_options.h"

namespace espalier {

struct GridTask {
  std::string name;  ///< of data/task.h
  std::vector<std::uint64_t> seeds;
  OptionValues options;
};

struct GridSetting {
  std::string name;  ///< a folder's name too
  OptionValues options;
  std::vector<std::string> tasks;    ///< it is run on
  std::vector<std::uint64_t> seeds;  ///< empty: those of the task
  std::optional<std::string> after;  ///< the setting whose final model it starts from: a second pass
};

/// Settings x tasks x seeds: the runs of a sweep. docs/formats/sweep.md has the file.
struct Grid {
  std::vector<GridTask> tasks;                ///< in the file's order
  std::vector<GridSetting> settings;          ///< in the file's order
  OptionValues options;                       ///< of every run
  std::vector<std::string> data;              ///< --data of the tasks that read files
  std::vector<std::string> average;           ///< tasks that averages are over
  std::string reference;                      ///< the setting that others are compared with
  std::optional<std::uint64_t> token_budget;  ///< no run is started once so many tokens were trained on
};

/// Reads a grid. Throws UserError that begins with `where` and the line for what is not TOML, unknown keys
/// (naming the nearest), wrong types, a task, setting or option that there is not, and an option that both a
/// setting and a task give.
Grid parse_grid(std::string_view toml, std::string_view where, std::span<const GridOption> known);

}  // namespace espalier
