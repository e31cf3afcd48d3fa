// What holds for every verb: help, version, unknown words, config files, exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// One line `espalier: error: ..`, one line `hint: ..`, nothing on stdout, exit code 2.
void expect_user_error(const ProgramRun& run, const std::string& error, const std::string& hint) {
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, StartsWith("espalier: error: "));
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 2) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr(error), HasSubstr("\nhint: "), HasSubstr(hint)));
}

TEST(Program, PrintsItsVersion) {
  const ProgramRun run = run_program({"--version"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, testing::MatchesRegex("espalier [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(run.err, "");
}

TEST(Program, HelpGoesToStdoutAndNamesVerbsAndOptions) {
  const ProgramRun run = run_program({"--help"});
  EXPECT_EQ(run.exit_code, 0);
  for (const char* word : {"version", "--threads", "--seed", "--config", "--json", "--quiet", "--version"}) {
    EXPECT_THAT(run.out, HasSubstr(word));
  }
}

struct BadCommand {
  std::vector<std::string> arguments;
  std::string error;
  std::string hint;
};

TEST(Program, BadCommandLinesAreUserErrors) {
  const BadCommand cases[] = {
      {{}, "no verb was given", "--help"},
      {{"verson"}, "unknown verb 'verson'", "did you mean 'version'?"},
      {{"zzzzzzzzz"}, "unknown verb 'zzzzzzzzz'", "`espalier --help`"},
      {{"version", "--thread", "2"}, "unknown option --thread of `espalier version`", "'--threads'"},
      {{"--sed=1", "version"}, "unknown option --sed", "'--seed'"},
      {{"version", "--threads", "0"}, "--threads", "`espalier version --help`"},
      {{"version", "--threads", "many"}, "many", "`espalier version --help`"},
      {{"version", "--seed", "-1"}, "--seed", "`espalier version --help`"},
      {{"version", "version"}, "unexpected argument 'version'", "`espalier version --help`"},
      {{"version", "--config", "/nonexistent.toml"}, "/nonexistent.toml", "--help"},
  };
  for (const BadCommand& bad : cases) {
    SCOPED_TRACE(testing::PrintToString(bad.arguments));
    expect_user_error(run_program(bad.arguments), bad.error, bad.hint);
  }
}

TEST(Program, OptionsOfEveryVerbStandBeforeOrAfterIt) {
  const ProgramRun before = run_program({"--json", "--threads", "2", "version"});
  const ProgramRun after = run_program({"version", "--json", "--threads=2"});
  EXPECT_EQ(before.exit_code, 0) << before.err;
  EXPECT_EQ(before.out, after.out);
  EXPECT_EQ(nlohmann::json::parse(after.out).at("format"), "espalier.version/1");
}

TEST(ConfigFile, GivesOptionsAtTheTopAndInTheSectionOfAVerb) {
  const TemporaryFolder folder;
  for (const char* content : {"json = true\n", "# as JSON\nthreads = 2\n[version]\njson = true\n"}) {
    const ProgramRun run = run_program({"version", "--config", folder.write("a.toml", content)});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, StartsWith("{")) << content;
  }
}

TEST(ConfigFile, TheCommandLineWins) {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.toml", "threads = 0\n");
  EXPECT_EQ(run_program({"version", "--config", file}).exit_code, 2);
  EXPECT_EQ(run_program({"version", "--config", file, "--threads", "1"}).exit_code, 0);
}

TEST(ConfigFile, UnknownKeysNameTheNearest) {
  const TemporaryFolder folder;
  const auto run = [&](const char* content) {
    return run_program({"version", "--config", folder.write("a.toml", content)});
  };
  expect_user_error(run("thread = 2\n"), "unknown option 'thread'", "'threads'");
  expect_user_error(run("[version]\nsed = 2\n"), "unknown option 'version.sed'", "'seed'");
  expect_user_error(run("[verzion]\nseed = 2\n"), "section [verzion]", "'version'");
  expect_user_error(run("[verzion]\n"), "section [verzion]", "'version'");
}

TEST(Program, SaysWhenResultsCannotBeWritten) {
  const ProgramRun run =
      run_command({"sh", "-c", "exec \"$0\" version >/dev/full", std::string(program_path())});
  expect_user_error(run, "standard output", "disk");
}

}  // namespace
}  // namespace espalier
