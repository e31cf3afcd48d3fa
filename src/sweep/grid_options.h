#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/toml_table.h"
#include "options/option_table.h"

namespace espalier {

enum class GridValue { kFlag, kOne, kList };

/// An option of a verb that a grid may set.
struct GridOption {
  std::string name;  ///< without dashes: "learning-rate"
  GridValue value = GridValue::kOne;
};

/// Name -> words of the command line; none for a flag that is on, absent for a flag that is off.
using OptionValues = std::map<std::string, std::optional<std::vector<std::string>>, std::less<>>;

/// The options in a table. `known` are those of the verb; `others` are keys of the table that are no options;
/// `own` are options that the sweep gives each run itself. Throws UserError naming the line.
OptionValues read_options(const TomlTable& table, std::span<const GridOption> known,
                          const std::vector<std::string>& others, std::span<const std::string_view> own);

/// The options of a verb that a grid may set.
std::vector<GridOption> grid_options(const options::OptionTable& table);

/// Sets them in the table of a verb. A UserError begins with `run`.
void set_options(const OptionValues& values, std::string_view run, options::OptionTable& table);

/// Throws UserError where `name` cannot be a folder's: letters, digits, _ and -.
void check_folder_name(const TomlTable& table, const std::string& name);

/// `seeds`: at least one, each once.
std::vector<std::uint64_t> read_seeds(const TomlTable& table);

/// Throws UserError for an empty list, and for what is in it twice.
void check_list(const TomlTable& table, std::string_view key, std::span<const std::string> items);

}  // namespace espalier
