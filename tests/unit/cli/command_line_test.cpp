// Walks the table of verbs as the command line and as TOML: every option is read from both.
#include "cli/command_line.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/config_file.h"
#include "cli/print_verb.h"
#include "cli/reference.h"
#include "cli/run_program.h"
#include "cli/verbs.h"

namespace espalier {
namespace {

using options::Kind;
using options::Option;

/// Words that an option takes, others than its default.
std::vector<std::string> sample(const Option& option) {
  if (!option.choices.empty()) return {option.choices.back()};
  const double least = option.range.least.value_or(0) + (option.range.above_least ? 0.5 : 0);
  switch (option.kind) {
    case Kind::kFlag:
      return {"true"};
    case Kind::kInteger:
      return {fmt::format("{}", std::max(1, static_cast<int>(option.range.least.value_or(1))))};
    case Kind::kNumber:
      return {fmt::format("{}", option.range.most ? (least + *option.range.most) / 2 : least + 0.25)};
    case Kind::kBytes:
      return {"5000"};
    case Kind::kChoice:
      return {option.choices.back()};
    default:
      return {"word"};
  }
}

std::string toml_value(const Option& option) {
  const std::string word = sample(option).front();
  const bool bare =
      option.kind == Kind::kFlag || option.kind == Kind::kInteger || option.kind == Kind::kNumber;
  const std::string value = bare ? word : "\"" + word + "\"";
  return option.list ? "[" + value + "]" : value;
}

/// Those that this build can run.
std::vector<pipeline::Verb> callable_verbs() {
  std::vector<pipeline::Verb> callable;
  std::ranges::copy_if(verbs(), std::back_inserter(callable),
                       [](const auto& verb) { return verb.call != nullptr; });
  return callable;
}

class EveryVerbOf : public testing::TestWithParam<pipeline::Verb> {};

TEST_P(EveryVerbOf, DescribesItsOptions) {
  const auto call = GetParam().call();
  for (const Option& option : call->table().all()) {
    EXPECT_FALSE(option.help.empty()) << option.name;
    EXPECT_FALSE(option.help.ends_with('.') && !option.help.ends_with("..")) << option.name;
    EXPECT_EQ(option.metavar.empty(), option.kind == Kind::kFlag) << option.name;
    EXPECT_FALSE(option.changed()) << option.name;
  }
}

TEST_P(EveryVerbOf, ReadsEveryOptionFromTheCommandLineAndFromToml) {
  const auto described = GetParam().call();
  for (const Option& option : described->table().all()) {
    const auto by_line = GetParam().call(), by_toml = GetParam().call();
    by_line->table().set(option.name, sample(option));
    const Option& set = *by_line->table().find(option.name);

    CLI::App root("", "espalier");
    CLI::App* app = &root;  // a verb may be below another
    std::string section;
    for (std::size_t at = 0; at <= GetParam().name.size();) {
      const std::size_t end = std::min(GetParam().name.find(' ', at), GetParam().name.size());
      const std::string name = GetParam().name.substr(at, end - at);
      app = app->add_subcommand(name);
      section += (section.empty() ? "" : ".") + name;
      at = end + 1;
    }
    declare_options(*app, by_toml->table());
    for (CLI::Option* declared : app->get_options()) declared->required(false);
    const TemporaryFolder folder;
    const std::string file =
        folder.write("a.toml", fmt::format("[{}]\n{} = {}\n", section, option.name, toml_value(option)));
    root.set_config("--config");
    root.config_formatter(std::make_shared<ConfigFile>(root));
    root.allow_config_extras(CLI::config_extras_mode::error);
    std::string line = GetParam().name + " --config " + file;
    root.fallthrough();
    for (CLI::App* each = &root; each != app;
         each = each->get_subcommands([](CLI::App*) { return true; }).front())
      each->get_subcommands([](CLI::App*) { return true; }).front()->fallthrough();
    ASSERT_NO_THROW(root.parse(line)) << option.name;
    const CLI::Option* read = app->get_option(option.positional ? option.name : "--" + option.name);
    ASSERT_GT(read->count(), 0U) << option.name;
    by_toml->table().set(option.name, read->results());
    EXPECT_EQ(by_toml->table().find(option.name)->words(), set.words()) << option.name;
  }
}

TEST_P(EveryVerbOf, IsInTheReference) {
  EXPECT_THAT(file_content(source_dir() + "/docs/verbs.md"),
              testing::HasSubstr(reference_section(GetParam())))
      << "tools/update_verbs_reference.py writes it";
}

INSTANTIATE_TEST_SUITE_P(Table, EveryVerbOf, testing::ValuesIn(callable_verbs()),
                         [](const testing::TestParamInfo<pipeline::Verb>& verb) {
                           std::string name = verb.param.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

}  // namespace
}  // namespace espalier
