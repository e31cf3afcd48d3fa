// Walks the table of verbs: a verb without documentation or a test of its own fails here.
#include "cli/verbs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "cli/print_verb.h"
#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using pipeline::Verb;

/// "tokenizer" of "tokenizer train".
std::string first_word(const Verb& verb) {
  return verb.name.substr(0, verb.name.find(' '));
}

const std::filesystem::path kSource = source_dir();

class EveryVerb : public testing::TestWithParam<Verb> {};

TEST_P(EveryVerb, HasARowInTheDocumentation) {
  const std::string row = "| [`" + first_word(GetParam()) + "`]";
  const std::string section = "\n## " + first_word(GetParam()) + "\n";
  const std::string page = file_content(kSource / "docs/verbs.md");
  EXPECT_THAT(page, testing::HasSubstr(row)) << "docs/verbs.md: the table at the top lacks it";
  EXPECT_THAT(page, testing::HasSubstr(section)) << "docs/verbs.md: there is no section about it";
}

TEST_P(EveryVerb, HasATestOfItsOwn) {
  const std::string name = first_word(GetParam());
  const std::string file = name + "_test.cpp";
  const auto test =
      file_content(kSource / "tests/cli" / file) + file_content(kSource / "tests/cli/training" / file);
  EXPECT_TRUE(std::regex_search(test, std::regex("\\{\\s*\"" + name + "\"[,}]")))
      << "neither tests/cli/" << file << " nor tests/cli/training/" << file << " runs it";
}

TEST_P(EveryVerb, ExplainsItselfWithAnExample) {
  const ProgramRun run = run_program({first_word(GetParam()), "--help"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, testing::HasSubstr("\n  espalier " + first_word(GetParam())));
  EXPECT_FALSE(GetParam().line.empty());
  EXPECT_FALSE(GetParam().line.ends_with('.'));
}

INSTANTIATE_TEST_SUITE_P(Table, EveryVerb, testing::ValuesIn(verbs().begin(), verbs().end()),
                         [](const testing::TestParamInfo<Verb>& verb) { return first_word(verb.param); });

// Also in a build without models, which has those verbs' names only.
TEST(VerbsTable, HasEveryDocumentedVerb) {
  std::set<std::string> names;
  for (const Verb& verb : verbs()) names.emplace(first_word(verb));
  const std::string page = file_content(kSource / "docs/verbs.md");
  const std::regex row(R"(\n\| \[`([a-z]+)`\])");
  int rows = 0;
  for (std::sregex_iterator found(page.begin(), page.end(), row), end; found != end; ++found, ++rows)
    EXPECT_TRUE(names.contains((*found)[1])) << (*found)[1];
  EXPECT_EQ(rows, static_cast<int>(names.size()));
}

TEST(VerbsTable, NamesEachVerbOnce) {
  std::set<std::string> names;
  for (const Verb& verb : verbs()) EXPECT_TRUE(names.insert(first_word(verb)).second) << verb.name;
}

}  // namespace
}  // namespace espalier
