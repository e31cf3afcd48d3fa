#include "cli/config_file.h"

#include <fmt/format.h>

#include "base/error.h"
#include "cli/usage.h"

namespace espalier {
namespace {

/// CLI11 marks where a section opens and closes with these names; they are not options.
bool is_section_mark(const CLI::ConfigItem& item) {
  return item.name == "++" || item.name == "--";
}

const CLI::App* subcommand_of(const CLI::App& app, const std::string& name) {
  const auto named = [&](const CLI::App* sub) { return sub->get_name() == name; };
  const std::vector<const CLI::App*> found = app.get_subcommands(named);
  return found.empty() ? nullptr : found.front();
}

/// The app that the sections name, or a UserError naming the nearest verb.
const CLI::App& app_of_section(const CLI::App& root, const CLI::ConfigItem& item) {
  const CLI::App* app = &root;
  for (const std::string& parent : item.parents) {
    const CLI::App* next = subcommand_of(*app, parent);
    if (next == nullptr) {
      throw UserError(fmt::format("config file: section [{}] is not a verb", fmt::join(item.parents, ".")),
                      did_you_mean(parent, subcommand_names(*app), "sections are named after verbs"));
    }
    app = next;
  }
  return *app;
}

bool has_option(const CLI::App& app, const std::string& name) {
  return app.get_option_no_throw("--" + name) != nullptr;
}

/// The verb of the command line, with its parents: {"tokenizer", "train"}.
std::vector<std::string> running_verb(const CLI::App& root) {
  std::vector<std::string> path;
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    path.push_back(app->get_name());
  }
  return path;
}

}  // namespace

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
  std::vector<CLI::ConfigItem> checked;
  for (CLI::ConfigItem& item : CLI::ConfigTOML::from_config(input)) {
    if (is_section_mark(item)) {
      app_of_section(root_, item);  // even a section without keys must be one of ours
      continue;
    }
    const std::string spelt = item.fullname();
    if (has_option(root_, item.name)) {
      item.parents.clear();  // options of every verb may stand anywhere
    } else if (item.parents.empty()) {
      item.parents = running_verb(root_);
    }
    const CLI::App& app = app_of_section(root_, item);
    if (!has_option(app, item.name)) {
      throw UserError(
          fmt::format("config file: unknown option '{}' of `{}`", spelt, path_of(app)),
          did_you_mean(item.name, option_names(app), "options are spelt as on the command line, without --"));
    }
    checked.push_back(std::move(item));
  }
  return checked;
}

}  // namespace espalier
