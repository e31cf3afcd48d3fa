#include "cli/usage.h"

#include <fmt/format.h>

#include <optional>

#include "base/nearest.h"

namespace espalier {
namespace {

/// The verb that was reached, with nested ones; `root` itself when none was.
const CLI::App& reached(const CLI::App& root) {
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

UserError unknown_word(const CLI::App& root, const std::string& word) {
  const CLI::App& app = reached(root);
  if (word.starts_with("-") && word.size() > 1) {
    const std::string option = word.substr(0, word.find('='));
    std::vector<std::string> known = option_names(app);
    for (std::string& name : known) name.insert(0, "--");
    return UserError(fmt::format("unknown option {} of `{}`", option, path_of(app)),
                     did_you_mean(option, known, help_hint(app)));
  }
  if (!subcommand_names(app).empty()) {
    const std::string kind = &app == &root ? "verb" : fmt::format("verb of `{}`", path_of(app));
    return UserError(fmt::format("unknown {} '{}'", kind, word),
                     did_you_mean(word, subcommand_names(app), help_hint(app)));
  }
  return UserError(fmt::format("unexpected argument '{}' of `{}`", word, path_of(app)), help_hint(app));
}

/// The first word that nothing took: an option before a plain word, whose value the plain word may be.
std::optional<std::string> first_unknown(const CLI::App& root) {
  const std::vector<std::string> words = root.remaining(true);
  for (const std::string& word : words) {
    if (word.size() > 1 && word.front() == '-' && word != "--") return word;
  }
  for (const std::string& word : words) {
    if (word != "--") return word;
  }
  return std::nullopt;
}

}  // namespace

std::string help_hint(const CLI::App& app) {
  return fmt::format("`{} --help` lists what it takes", path_of(reached(app)));
}

std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back(name);
    }
  }
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known,
                         std::string otherwise) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  const std::optional<std::string_view> near = nearest(word, names);
  return near ? fmt::format("did you mean '{}'?", *near) : std::move(otherwise);
}

UserError usage_error(const CLI::App& root, const CLI::ParseError& error) {
  if (const std::optional<std::string> unknown = first_unknown(root)) return unknown_word(root, *unknown);
  return UserError(error.what(), help_hint(reached(root)));
}

UserError missing_verb(const CLI::App& root) {
  return UserError("no verb was given", help_hint(root));
}

}  // namespace espalier
