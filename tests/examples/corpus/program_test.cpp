#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"

namespace espalier::examples {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Small files in the formats of wordnet-base and dict-gcide. "a member of the genus Canis" is held out.
class CorpusProgram : public testing::Test {
 protected:
  void SetUp() override {
    const std::string gloss = " | a separate and self-contained entity  \n";
    folder_.write("wordnet/data.verb", "00000003 29 v 01 be 0 000 01 + 02 00" + gloss);
    folder_.write("wordnet/data.adj", "00000004 00 a 01 whole 0 000" + gloss);
    folder_.write("wordnet/data.adv", "00000005 02 r 01 wholly 0 000" + gloss);
    folder_.write(
        "wordnet/data.noun",
        "00000001 03 n 01 whole 0 000 | a separate and self-contained entity; \"the whole of it\"  \n"
        "00000002 05 n 01 dog 0 000 | a member of the genus Canis  \n");
    folder_.write("gcide",
                  "\nFeeler \\Feel\"er\\, n.\n   One who, or that which, feels.\n   [1913 Webster]\n\n"
                  "Dog \\Dog\\, n.\n   1. A quadruped of many breeds.\n      [1913 Webster]\n\n"
                  "   2. A member of the genus Canis.\n      [1913 Webster]\n");
  }

  ProgramRun corpus(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"--wordnet", (folder_ / "wordnet").string(), "--gcide",
                                          (folder_ / "gcide").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<std::string> all = {program(), "--out", (folder_ / out).string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_command(all);
  }

  static std::string program() { return binary_dir() + "/examples/corpus"; }

  TemporaryFolder folder_;
};

TEST_F(CorpusProgram, WritesTextWithoutHeldOutDefinitions) {
  const ProgramRun run = corpus("text", {"--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string wordnet = file_content(folder_ / "text/wordnet.txt");
  EXPECT_EQ(wordnet,
            "whole: a separate and self-contained entity.\nthe whole of it\n\n"
            "be: a separate and self-contained entity.\n\n"
            "whole: a separate and self-contained entity.\n\n"
            "wholly: a separate and self-contained entity.\n\n");
  const std::string gcide = file_content(folder_ / "text/gcide.txt");
  EXPECT_THAT(gcide, HasSubstr("One who, or that which, feels."));
  EXPECT_THAT(gcide, HasSubstr("A quadruped of many breeds."));
  EXPECT_THAT(gcide, Not(HasSubstr("Canis")));
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json.at("held_out_definitions"), 1);
  EXPECT_EQ(json.at("files")[0].at("held_out_synsets"), 1);
  EXPECT_EQ(json.at("files")[1].at("repeated_held_out"), 1);
}

TEST_F(CorpusProgram, KeepsAFolderThatIsNotEmpty) {
  folder_.write("text/mine.txt", "mine");
  EXPECT_EQ(corpus("text").exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "text/wordnet.txt"));
  EXPECT_EQ(corpus("text", {"--overwrite"}).exit_code, 0);
  EXPECT_EQ(file_content(folder_ / "text/mine.txt"), "mine");
}

TEST_F(CorpusProgram, NamesThePackageOfAMissingFile) {
  std::filesystem::remove(folder_ / "gcide");
  ProgramRun run = corpus("text");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("dict-gcide"));
  std::filesystem::remove(folder_ / "wordnet/data.adv");
  run = corpus("text");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("wordnet"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "text"));
  EXPECT_EQ(run_command({program()}).exit_code, 2);
}

}  // namespace
}  // namespace espalier::examples
