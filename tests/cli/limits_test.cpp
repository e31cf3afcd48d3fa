// What the surroundings of a process do to it: closed and full streams, limits, odd names and outputs. Never
// a signal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cli/small_language_model.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kUserFault = 2;

/// Runs a line of the shell, in which "$E" is the program.
ProgramRun run_shell(const std::string& line) {
  return run_command({"sh", "-c", "E='" + program_path() + "'; " + line});
}

/// Observations of a golden model.
std::string small_observations(const TemporaryFolder& folder) {
  const std::string model = kGoldenFolder + "qwen3-moe", file = (folder / "obs.safetensors").string();
  EXPECT_EQ(
      run_program({"observe", model, "--data", model + "/tokens.json", "--rows", "documents", "--out", file})
          .exit_code,
      0);
  return file;
}

TEST(Limits, AnErrorStreamThatIsLostIsNoReasonToDie) {
  for (const char* stream : {"2>&-", "2>/dev/full", "2>&1 >&- | true"})
    EXPECT_LE(run_shell(std::string("\"$E\" inspect nowhere ") + stream).exit_code, kUserFault) << stream;
  EXPECT_EQ(run_shell("\"$E\" version 2>&- >/dev/null").exit_code, 0);
}

TEST(Limits, AResultThatIsLostIsAnError) {
  for (const char* stream : {">/dev/full", ">&-"}) {
    const ProgramRun run = run_shell(std::string("\"$E\" --help ") + stream);
    EXPECT_EQ(run.exit_code, kUserFault) << stream;
    EXPECT_THAT(run.err, HasSubstr("cannot write to standard output")) << stream;
  }
}

TEST(Limits, APipeThatNobodyReadsEndsTheProgramQuietly) {
  const ProgramRun run = run_shell("(\"$E\" --reference; true) | head -c 1 > /dev/null");
  EXPECT_EQ(run.err, "");
}

TEST(Limits, NoFileOfOursHasTheNumberOfAClosedStream) {
  const TemporaryFolder folder;
  const std::string observations = small_observations(folder), out = (folder / "scores.json").string();
  const std::string command = "\"$E\" score " + observations + " --criterion reap --out " + out;
  EXPECT_EQ(run_shell(command + " 0<&- 1>&- 2>&-").exit_code, kUserFault);  // the text of the result is lost
  EXPECT_EQ(file_content(out).substr(0, 1), "{");
}

TEST(Limits, AFileSizeLimitIsAnErrorAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::string observations = small_observations(folder), out = (folder / "scores.json").string();
  const ProgramRun run = run_shell("(ulimit -f 0; \"$E\" score " + observations + " --criterion reap --out " +
                                   out + " 2>&1 >/dev/null) | cat");
  EXPECT_THAT(run.out, HasSubstr("scores.json: "));
  EXPECT_THAT(run.out, HasSubstr("more than a file may have here"));
  EXPECT_FALSE(fs::exists(out));
}

TEST(Limits, ControlCharactersOfTheInputAreSpelt) {
  const ProgramRun run = run_program({"inspect", "no\x1b[31m\nwhere\xff\xc2\x9b"});
  EXPECT_EQ(run.exit_code, kUserFault);
  EXPECT_THAT(run.err, HasSubstr("no\\x1b[31m\\x0awhere\\xff\\xc2\\x9b: "));
}

TEST(Limits, NamesNeedNotBeUtf8) {
  const TemporaryFolder folder;
  const std::string observations = small_observations(folder), out = (folder / "s\xff").string();
  EXPECT_EQ(run_program({"score", observations, "--criterion", "reap", "--out", out, "--json"}).exit_code, 0);
  EXPECT_TRUE(fs::exists(out));
  fs::create_directory_symlink(kGoldenFolder + "qwen3-moe", folder / "m\xff");
  EXPECT_EQ(run_program({"inspect", (folder / "m\xff").string(), "--json"}).exit_code, 0);
}

TEST(Limits, CountsNear2To63AreRefused) {
  const ProgramRun run = run_program(
      {"generate", kGoldenFolder + "qwen3-moe", "--prompt-ids", "1", "--tokens", "9223372036854775807"});
  EXPECT_EQ(run.exit_code, kUserFault);
  EXPECT_THAT(run.err, HasSubstr("the model holds positions for"));
}

TEST(Limits, AModelTypeThatIsNoNameIsAnErrorInEveryVerb) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "bad");
  folder.write("bad/config.json", "{\"model_type\": 3}");
  fs::create_symlink(kGoldenFolder + "qwen3-moe/model.safetensors", folder / "bad/model.safetensors");
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"eval", (folder / "bad").string(), "--task", "perplexity", "--data", (folder / "x").string()},
           {"inspect", (folder / "bad").string()},
           {"eval", (folder / "bad").string(), "--images", folder.path().string()}})
    EXPECT_EQ(run_program(command).exit_code, kUserFault) << testing::PrintToString(command);
}

TEST(Limits, DevicesFifosAndLinksStayWhatTheyAre) {
  const TemporaryFolder folder;
  const std::string observations = small_observations(folder);
  const auto score_to = [&](const std::string& out) {
    return run_program({"score", observations, "--criterion", "reap", "--quiet", "--out", out});
  };
  const ProgramRun plain = score_to((folder / "plain").string());
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  const std::string scores = file_content(folder / "plain");
  EXPECT_THAT(score_to("/dev/stdout").out, HasSubstr(scores));
  EXPECT_TRUE(fs::is_symlink("/dev/stdout"));
  EXPECT_EQ(score_to("/dev/null").exit_code, 0);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  fs::create_symlink("target", folder / "link");
  EXPECT_EQ(score_to((folder / "link").string()).exit_code, 0);
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(file_content(folder / "target"), scores);
  const std::string fifo = (folder / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const ProgramRun through = run_shell("cat " + fifo + " & \"$E\" score " + observations +
                                       " --criterion reap --quiet --out " + fifo + " > /dev/null; wait");
  EXPECT_EQ(through.out, scores);
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST(Limits, AGridWritesBelowItsFolderOnly) {
  const TemporaryFolder folder;
  const std::string grid = folder.write("grid.toml",
                                        "model = \"m\"\nkeep = [\"../../../escaped\"]\nseeds = "
                                        "[1]\n[calibration]\nt = \"t.txt\"\n[evaluation]\n"
                                        "t = \"t.txt\"\n[methods.reap]\ncriterion = \"reap\"\n");
  const ProgramRun run = run_program({"sweep", grid, "--out", (folder / "in/sweep").string()});
  EXPECT_EQ(run.exit_code, kUserFault);
  EXPECT_THAT(run.err, AllOf(HasSubstr("keep"), HasSubstr("../../../escaped")));
  EXPECT_FALSE(fs::exists(folder / "in"));
}

TEST(Limits, AKeyOfManyPartsIsRefusedBeforeItTakesMemory) {
  const TemporaryFolder folder;
  std::string key = "a";
  for (int i = 0; i < 20'000; ++i) key += ".a";
  const ProgramRun run =
      run_shell("ulimit -v 4000000; \"$E\" version --config " + folder.write("deep.toml", key + " = 1\n"));
  EXPECT_EQ(run.exit_code, kUserFault);
  EXPECT_THAT(run.err, HasSubstr("a key of more than 64 parts"));
}

TEST(Limits, AFileIsToldOfLongWorkOnly) {
  const TemporaryFolder folder;
  const std::string model = kGoldenFolder + "qwen3-moe";
  const ProgramRun run = run_program({"observe", model, "--data", model + "/tokens.json", "--rows",
                                      "documents", "--out", (folder / "obs.safetensors").string()});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.err, Not(HasSubstr("[====")));
}

}  // namespace
}  // namespace espalier
