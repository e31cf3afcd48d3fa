#include "sweep/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/nearest.h"
#include "base/toml_table.h"
#include "data/questions/articles.h"
#include "data/task.h"

namespace espalier {
namespace {

/// Options of `finetune` that the sweep itself gives each run.
constexpr std::string_view kOwnOptions[] = {"task", "seed", "out", "threads", "resume", "overwrite"};
/// Keys of a setting that are no options.
const std::vector<std::string> kPlaceKeys{"tasks", "seeds", "after"};

class GridReader {
 public:
  GridReader(std::string_view toml, std::string_view where, std::span<const GridOption> known)
      : file_(TomlTable::parse(toml, where)), where_(where), known_(known) {}

  Grid read() {
    file_.check_keys({"tasks", "seeds", "data", "average", "reference", "token-budget", "options", "settings",
                      "task-options"});
    if (file_.has("options")) grid_.options = options_in(file_.table("options"), {});
    if (file_.has("data")) grid_.data = file_.strings("data");
    read_settings();
    read_tasks();
    read_places();
    read_comparison();
    if (file_.has("token-budget")) grid_.token_budget = file_.number("token-budget");
    check_conflicts();
    check_models();
    return std::move(grid_);
  }

 private:
  void read_settings() {
    const auto settings = file_.table("settings");
    for (const auto& name : settings.keys()) {
      check_folder_name(settings, name);
      grid_.settings.push_back({name, options_in(settings.table(name), kPlaceKeys), {}, {}, {}});
    }
    if (grid_.settings.empty()) file_.fail("settings", "no setting, expected tables such as [settings.moe]");
  }

  /// On which tasks, with which seeds and after which other each setting is run.
  void read_places() {
    const auto settings = file_.table("settings");
    for (auto& setting : grid_.settings) {
      const auto table = settings.table(setting.name);
      for (const auto& task : grid_.tasks) setting.tasks.push_back(task.name);
      if (table.has("tasks")) setting.tasks = names_in(table, "tasks", setting.tasks);
      if (table.has("seeds")) setting.seeds = read_seeds(table);
    }
    for (auto& setting : grid_.settings)
      if (settings.table(setting.name).has("after")) read_first_pass(setting, settings.table(setting.name));
  }

  /// Names of a list, each of which `known` has.
  static std::vector<std::string> names_in(const TomlTable& table, std::string_view key,
                                           const std::vector<std::string>& known) {
    auto names = table.strings(key);
    check_list(table, key, names);
    const std::vector<std::string_view> views(known.begin(), known.end());
    for (const auto& name : names)
      if (std::find(known.begin(), known.end(), name) == known.end())
        table.fail(key, fmt::format("{} is not a task of this grid", name), suggestion(name, views));
    return names;
  }

  void read_first_pass(GridSetting& setting, const TomlTable& table) {
    const std::string first = table.string("after");
    std::vector<std::string_view> names;
    for (const auto& other : grid_.settings) names.push_back(other.name);
    const auto found = std::find(names.begin(), names.end(), first);
    if (found == names.end())
      table.fail("after", fmt::format("there is no setting {}", first), suggestion(first, names));
    const auto& pass = grid_.settings[static_cast<std::size_t>(found - names.begin())];
    if (first == setting.name || settings_after(pass.name))
      table.fail("after", fmt::format("{} is a second pass itself", first), "there are two passes at most");
    if (setting.options.contains("model"))
      table.fail("model", fmt::format("the model is the one that {} leaves", first), "leave it out");
    check_covered(setting, pass, table);
    setting.after = first;
  }

  bool settings_after(const std::string& name) const {
    return file_.table("settings").table(name).has("after");
  }

  /// Every run of the second pass has a first one.
  void check_covered(const GridSetting& setting, const GridSetting& first, const TomlTable& table) const {
    for (const auto& task : grid_.tasks) {
      if (!is_in(setting.tasks, task.name)) continue;
      const auto& wanted = setting.seeds.empty() ? task.seeds : setting.seeds;
      const auto& there = first.seeds.empty() ? task.seeds : first.seeds;
      const bool all = std::ranges::all_of(wanted, [&](auto seed) { return is_in(there, seed); });
      if (!is_in(first.tasks, task.name) || !all)
        table.fail("after", fmt::format("{} is not run on {} with all its seeds", first.name, task.name),
                   "a second pass needs the first one of its task and seed");
    }
  }

  static bool is_in(const auto& list, const auto& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }

  void read_tasks() {
    const auto names = file_.strings("tasks");
    check_list(file_, "tasks", names);
    for (const auto& name : names) grid_.tasks.push_back({checked_task(name), {}, {}});
    if (file_.has("task-options")) {
      const auto tables = file_.table("task-options");
      tables.check_keys(names);
      for (auto& task : grid_.tasks)
        if (tables.has(task.name)) read_task(task, tables.table(task.name));
    }
    for (auto& task : grid_.tasks)
      if (task.seeds.empty()) task.seeds = read_seeds(file_);
  }

  std::string checked_task(const std::string& name) const {
    if (name == kQuestionTask) return name;
    try {
      return find_task(name).name;
    } catch (const UserError& error) {
      file_.fail("tasks", error.what(), error.hint());
    }
  }

  void read_task(GridTask& task, const TomlTable& table) const {
    if (table.has("seeds")) task.seeds = read_seeds(table);
    task.options = options_in(table, {"seeds"});
  }

  void read_comparison() {
    std::vector<std::string_view> tasks, settings;
    for (const auto& task : grid_.tasks) tasks.push_back(task.name);
    for (const auto& setting : grid_.settings) settings.push_back(setting.name);
    const auto has_moe = std::find(settings.begin(), settings.end(), "moe") != settings.end();
    grid_.reference = file_.has("reference") ? file_.string("reference") : has_moe ? "moe" : settings.front();
    if (std::find(settings.begin(), settings.end(), grid_.reference) == settings.end())
      file_.fail("reference", fmt::format("there is no setting {}", grid_.reference),
                 suggestion(grid_.reference, settings));
    grid_.average.assign(tasks.begin(), tasks.end());
    if (!file_.has("average")) return;
    grid_.average = file_.strings("average");
    check_list(file_, "average", grid_.average);
    for (const auto& name : grid_.average)
      if (std::find(tasks.begin(), tasks.end(), name) == tasks.end())
        file_.fail("average", fmt::format("{} is not a task of this grid", name), suggestion(name, tasks));
  }

  OptionValues options_in(const TomlTable& table, const std::vector<std::string>& others) const {
    return read_options(table, known_, others, kOwnOptions);
  }

  /// Which of the two wins would be anybody's guess.
  void check_conflicts() const {
    for (const auto& task : grid_.tasks)
      for (const auto& setting : grid_.settings)
        for (const auto& [name, value] : task.options)
          if (const auto other = setting.options.find(name);
              other != setting.options.end() && other->second != value)
            file_.table("task-options")
                .table(task.name)
                .fail(name, fmt::format("[settings.{}] gives another {}", setting.name, name),
                      "an option is the setting's or the task's, not both");
  }

  void check_models() const {
    for (const auto& setting : grid_.settings)
      for (const auto& task : grid_.tasks)
        if (!setting.after && !grid_.options.contains("model") && !setting.options.contains("model") &&
            !task.options.contains("model"))
          throw UserError(fmt::format("{}: settings.{}: no model", where_, setting.name),
                          "give a checkpoint folder: model = \"models/mini-moe\"");
  }

  TomlTable file_;
  std::string where_;
  std::span<const GridOption> known_;
  Grid grid_;
};

}  // namespace

Grid parse_grid(std::string_view toml, std::string_view where, std::span<const GridOption> known) {
  return GridReader(toml, where, known).read();
}

}  // namespace espalier
