#include "cli/command_line.h"

#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/input_watch.h"
#include "base/machine.h"
#include "cli/terminal.h"
#include "cli/training.h"
#include "cli/usage.h"

namespace espalier {
namespace {

constexpr int kNoLimit = CLI::detail::expected_max_vector_size;

std::string cli_name(const options::Option& option) {
  return option.positional ? option.name : "--" + option.name;
}

void declare_option(CLI::App& app, const options::Option& option) {
  CLI::Option* declared = nullptr;
  if (option.kind == options::Kind::kFlag) {
    declared = app.add_flag(cli_name(option), option.help);
  } else {
    declared = app.add_option(cli_name(option), CLI::callback_t([](const CLI::results_t&) { return true; }),
                              option.help);
    declared->type_name(option.metavar)->required(option.required)->default_str(option.default_text);
    if (option.list) declared->expected(1, kNoLimit)->allow_extra_args();
  }
  if (!option.group.empty()) declared->group(option.group);
}

pipeline::RunContext context_of(const GlobalOptions& global, const Terminal& terminal) {
  pipeline::RunContext context;
  context.seed = global.seed;
  context.threads = global.threads.value_or(hardware_threads());
  context.progress = terminal.progress();
  context.note = terminal.notes();
  context.command = global.command;
  context.libraries = tensor_libraries();
  if (!global.json)
    context.part = [terminal](std::string_view text) {
      terminal.finish();
      std::cout << text << std::flush;
      if (!std::cout)
        throw UserError("cannot write to standard output", "is the disk full, or the pipe closed?");
    };
  return context;
}

void declare_missing(CLI::App& app, const std::string& name) {
  app.allow_extras();
  app.fallthrough(false);  // whatever follows is for the other build to judge
  app.footer("This program was built without training. In the full build:\n  espalier " + name + " --help");
  app.callback([name] { pipeline::refuse_to_train(name); });
}

}  // namespace

void declare_options(CLI::App& app, const options::OptionTable& table) {
  for (const options::Option& option : table.all()) declare_option(app, option);
  for (const options::Option& option : table.all())
    for (const std::string& other : option.excludes)
      app.get_option(cli_name(option))->excludes(app.get_option(cli_name(*table.find(other))));
}

void read_options(const CLI::App& app, options::OptionTable& table) {
  try {
    for (const options::Option& option : table.all()) {
      const CLI::Option* read = app.get_option(cli_name(option));
      if (read->count() > 0) table.set(option.name, read->results());
    }
    table.check();
  } catch (const UserError& error) {
    throw UserError(error.what(), error.hint().empty() ? help_hint(app) : error.hint());
  }
}

void declare_verb(CLI::App& app, const GlobalOptions& global, const pipeline::Verb& verb) {
  if (!verb.call) return declare_missing(app, verb.name);
  const std::shared_ptr<pipeline::VerbCall> call = verb.call();
  declare_options(app, call->table());
  app.footer(verb.notes);
  app.callback([call, &app, &global] {
    read_options(app, call->table());
    const Terminal terminal(global);
    const auto form = global.json ? pipeline::ResultForm::kJson : pipeline::ResultForm::kText;
    const std::string result = call->run(context_of(global, terminal), form);
    terminal.finish();
    expect_inputs_were_unchanged();
    std::cout << result;
  });
}

}  // namespace espalier
