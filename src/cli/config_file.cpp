#include "cli/config_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>

#include "base/error.h"
#include "base/toml_table.h"
#include "cli/usage.h"

namespace espalier {
namespace {

using Path = std::vector<std::string>;  // of a section: {"tokenizer", "train"}

const CLI::App* subcommand_of(const CLI::App& app, const std::string& name) {
  const auto named = [&](const CLI::App* sub) { return sub->get_name() == name; };
  const std::vector<const CLI::App*> found = app.get_subcommands(named);
  return found.empty() ? nullptr : found.front();
}

/// The app that a section names, or a UserError naming the nearest verb.
const CLI::App& app_of_section(const CLI::App& root, const Path& section) {
  const CLI::App* app = &root;
  for (const std::string& name : section) {
    const CLI::App* next = subcommand_of(*app, name);
    if (next == nullptr) {
      throw UserError(fmt::format("config file: section [{}] is not a verb", fmt::join(section, ".")),
                      did_you_mean(name, subcommand_names(*app), "sections are named after verbs"));
    }
    app = next;
  }
  return *app;
}

/// "--name", or "name" for an argument that the command line tells by its place.
bool has_option(const CLI::App& app, const std::string& name) {
  return app.get_option_no_throw("--" + name) != nullptr || app.get_option_no_throw(name) != nullptr;
}

/// The verb of the command line, with its parents.
Path running_verb(const CLI::App& root) {
  Path path;
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    path.push_back(app->get_name());
  }
  return path;
}

/// Where a key belongs, as CLI11 wants it: options of every verb may stand anywhere, keys at the top are the
/// running verb's. Throws UserError for a key that is no option there.
Path owner_of(const CLI::App& root, const Path& section, const std::string& key) {
  if (has_option(root, key)) return {};
  const Path owner = section.empty() ? running_verb(root) : section;
  const CLI::App& app = app_of_section(root, owner);
  if (has_option(app, key)) return owner;
  Path spelt = section;
  spelt.push_back(key);
  throw UserError(
      fmt::format("config file: unknown option '{}' of `{}`", fmt::join(spelt, "."), path_of(app)),
      did_you_mean(key, option_names(app), "options are spelt as on the command line, without --"));
}

/// The values of a key as words of the command line.
std::vector<std::string> words_of(const TomlTable& table, const std::string& key) {
  if (const auto on = table.boolean(key)) return {*on ? "true" : "false"};
  return table.words(key);
}

void read_section(const CLI::App& root, const TomlTable& table, const Path& section,
                  std::vector<CLI::ConfigItem>& items) {
  app_of_section(root, section);  // even a section without keys must be one of ours
  for (const std::string& key : table.keys()) {
    if (table.is_table(key)) {
      Path inner = section;
      inner.push_back(key);
      read_section(root, table.table(key), inner, items);
      continue;
    }
    CLI::ConfigItem& item = items.emplace_back();
    item.parents = owner_of(root, section, key);
    item.name = key;
    item.inputs = words_of(table, key);
  }
}

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  const std::string bytes{std::istreambuf_iterator<char>(input), {}};
  std::vector<CLI::ConfigItem> found;
  read_section(root_, TomlTable::parse(bytes, "config file"), {}, found);
  return found;
}

}  // namespace espalier
