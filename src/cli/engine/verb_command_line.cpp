#include "cli/engine/verb_command_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/usage.h"

namespace espalier {

VerbCommandLine::VerbCommandLine(std::string_view verb) : app_("", "espalier") {
  app_.fallthrough();
  describe(everywhere_, global_);
  declare_options(app_, everywhere_);
  verb_ = app_.add_subcommand(std::string(verb));
  const auto all = verbs();
  std::find_if(all.begin(), all.end(), [&](const Verb& one) {
    return one.name == verb;
  })->add(*verb_, global_);
  app_.parse_complete_callback([] { throw CLI::Success(); });  // before the verb runs
}

std::vector<GridOption> VerbCommandLine::options() const {
  std::vector<GridOption> options;
  for (const CLI::Option* option : verb_->get_options()) {
    const auto name = option->get_lnames().empty() ? option->get_name() : option->get_lnames().front();
    if (name == "help") continue;
    options.push_back({name, option->get_expected_max() == 0  ? GridValue::kFlag
                             : option->get_expected_max() > 1 ? GridValue::kList
                                                              : GridValue::kOne});
  }
  return options;
}

void VerbCommandLine::check(const std::string& run, const std::vector<std::string>& words) {
  std::vector<std::string> reversed(words.rbegin(), words.rend() - 1);  // as CLI11 has it, without the name
  try {
    app_.parse(std::move(reversed));
  } catch (const CLI::Success&) {
    return;
  } catch (const CLI::ParseError& error) {
    const auto said = usage_error(app_, error);
    throw UserError(fmt::format("{}: {}", run, said.what()), said.hint());
  }
}

}  // namespace espalier
