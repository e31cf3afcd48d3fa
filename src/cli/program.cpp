#include "cli/program.h"

#include <fmt/format.h>

#include <signal.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <new>
#include <stdexcept>
#include <system_error>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/mapped_range.h"
#include "base/waiting.h"
#include "cli/command_line.h"
#include "cli/config_file.h"
#include "cli/error_stream.h"
#include "cli/reference.h"
#include "cli/usage.h"
#include "cli/verbs.h"

namespace espalier {
namespace {

constexpr int kDone = 0;
constexpr int kOurFault = 1;
constexpr int kUserFault = 2;
constexpr int kInterrupted = 130;

/// Backtraces that torch appends to its messages are of no use to the reader of one line.
std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

void print_error(std::string_view what, std::string_view hint) {
  std::cout.flush();
  std::string lines = fmt::format("espalier: error: {}\n", printable(what));
  if (!hint.empty()) lines += fmt::format("hint: {}\n", printable(hint));
  write_error_stream(lines);
}

/// Verbs may be nested (`tokenizer train`); every one says where the other options are.
void finish_help(CLI::App& app) {
  const std::string everywhere =
      "Also: --threads N, --seed N, --config FILE.toml, --json, --quiet (see `espalier --help`)";
  const std::string own = app.get_footer();
  app.footer(own.empty() ? everywhere : own + "\n\n" + everywhere);
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) finish_help(*sub);
}

/// What the command line has beside the options of verbs.
void declare_own_options(CLI::App& app) {
  const char* group = "Options of every verb";
  app.set_config("--config", "", "read options from a TOML file; the command line wins")
      ->type_name("FILE.toml")
      ->group(group);
  app.config_formatter(std::make_shared<ConfigFile>(app));
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_version_flag("--version", "espalier " ESPALIER_VERSION, "print the version")->group(group);
  app.set_help_flag("--help,-h", "print this help")->group(group);
  app.add_flag_callback(
         "--reference",
         [] {
           std::cout << reference_page();
           throw CLI::Success();
         },
         "print what docs/verbs.md says of every option")
      ->group("");  // for those who write the docs
}

/// The app of a verb; of "tokenizer train" one below "tokenizer", which is made here too.
CLI::App& app_of(CLI::App& root, const pipeline::Verb& verb) {
  const std::size_t space = verb.name.find(' ');
  if (space == std::string::npos) return *root.add_subcommand(verb.name, verb.line);
  CLI::App* parent = root.add_subcommand(verb.name.substr(0, space), verb.line);
  parent->require_subcommand(1);
  parent->footer(fmt::format("{}\n\n`espalier {} --help` lists its options.", verb.notes, verb.name));
  return *parent->add_subcommand(verb.name.substr(space + 1), verb.line);
}

void add_verbs(CLI::App& app, const GlobalOptions& global) {
  for (const pipeline::Verb& verb : verbs()) declare_verb(app_of(app, verb), global, verb);
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) finish_help(*sub);
}

void parse_and_run(int argc, const char* const* argv) {
  GlobalOptions global;
  global.command.assign(argv, argv + argc);
  CLI::App app("Trains sparse Mixture-of-Experts models and prunes their experts.", "espalier");
  app.fallthrough();             // options of every verb may follow the verb
  app.require_subcommand(0, 1);  // 1: a folder named like a verb stays an argument of the first
  options::OptionTable everywhere;
  describe(everywhere, global);
  declare_options(app, everywhere);
  declare_own_options(app);
  app.footer("Examples:\n  espalier version\n\n`espalier VERB --help` lists the options of a verb.");
  app.parse_complete_callback([&] {
    read_options(app, everywhere);
    apply_global_options(global);
    if (!global.quiet)
      tell_of_waits([](std::string_view note) { write_error_stream(printable(note) + "\n"); });
  });
  add_verbs(app, global);
  try {
    app.parse(argc, argv);  // runs the verb
  } catch (const CLI::CallForHelp& help) {
    app.exit(help);
    return;
  } catch (const CLI::CallForVersion& version) {
    app.exit(version);
    return;
  } catch (const CLI::Success&) {
    return;
  } catch (const CLI::ParseError& error) {
    throw usage_error(app, error);
  }
  if (app.get_subcommands().empty()) throw missing_verb(app);
}

/// A pipe that nobody reads any more is not worth a word: the process ends as shells expect it.
void flush_results() {
  errno = 0;
  std::cout.flush();
  if (std::cout) return;
  if (errno == EPIPE) {
    ::signal(SIGPIPE, SIG_DFL);
    ::raise(SIGPIPE);
  }
  throw UserError("cannot write to standard output", "is the disk full, or the pipe closed?");
}

void prepare_process() {
  open_standard_streams();
  ::signal(SIGXFSZ, SIG_IGN);  // a file that grows past the limit is an error of its write
  install_mapping_handler();
  install_interrupt_handler();
}

}  // namespace

int run_program(int argc, const char* const* argv) {
  try {
    prepare_process();
    parse_and_run(argc, argv);
    flush_results();
    return kDone;
  } catch (const UserError& error) {
    print_error(error.what(), error.hint());
    return kUserFault;
  } catch (const Interrupted& interrupted) {
    print_error(interrupted.what(), "");
    return kInterrupted;
  } catch (const std::filesystem::filesystem_error& error) {
    print_error(error.what(), "check the path, its permissions and the space left on the disk");
    return kUserFault;
  } catch (const std::system_error& error) {
    print_error(error.what(), "a limit of the system: `ulimit -a` shows those of this shell");
    return kUserFault;
  } catch (const std::bad_alloc&) {
    print_error("out of memory", "a smaller batch or a shorter sequence needs less");
    return kUserFault;
  } catch (const std::length_error&) {
    print_error("out of memory: more is asked for than can be counted", "ask for less");
    return kUserFault;
  } catch (const std::exception& error) {
    print_error(first_line(error.what()),
                "this is a fault of espalier: please report it with the command line");
    return kOurFault;
  }
}

}  // namespace espalier
