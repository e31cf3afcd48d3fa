// What is no seekable file gives what the file gives: pipes, <(..), /dev/stdin, packed or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/small_language_model.h"
#include "packed_text.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

struct Piping {
  TemporaryFolder folder;
  std::string model = golden_with_tokenizer(folder, "mixtral");

  std::string path(const std::string& name) const { return (folder / name).string(); }
  /// `command` as a shell runs it, "espalier" being the built program.
  ProgramRun shell(const std::string& command) const {
    return run_command(
        {"bash", "-c",
         "espalier() { " + program_path() + " \"$@\"; }; cd " + folder.path().string() + " && " + command});
  }
  std::string output(const std::string& command) const {
    const ProgramRun run = shell(command);
    EXPECT_EQ(run.exit_code, 0) << command << "\n" << run.err;
    return run.out;
  }
};

TEST(Pipes, TokenizeReadsThemAsFiles) {
  const Piping p;
  const std::string lines = "abc\n\nbad line\nabcabc\n";
  p.folder.write("a.txt", lines);
  p.folder.write("a.gz", gzip(lines));
  p.folder.write("a.zst", zstd(lines));
  p.folder.write("a.jsonl", "{\"text\": \"abc\"}\n{\"text\": \"\"}\n");
  p.output("espalier tokenize mixtral --text a.txt --out file.json");
  for (const char* text : {"<(cat a.txt)", "<(cat a.gz)", "<(cat a.zst)", "/dev/stdin < <(cat a.txt)",
                           "/dev/stdin < a.txt", "<(head -c 2 a.txt; sleep 0.2; tail -c +3 a.txt)"}) {
    p.output(std::string("espalier tokenize mixtral --out pipe.json --text ") + text);
    EXPECT_EQ(file_content(p.path("pipe.json")), file_content(p.path("file.json"))) << text;
  }
  p.output("espalier tokenize mixtral --text a.jsonl --out file.json");
  p.output("espalier tokenize mixtral --text <(cat a.jsonl) --out pipe.json");
  EXPECT_EQ(file_content(p.path("pipe.json")), file_content(p.path("file.json")));
  p.output(
      "mkfifo named.txt; cat a.txt > named.txt & espalier tokenize mixtral --text named.txt --out pipe.json");
  p.output("espalier tokenize mixtral --text a.txt --out file.json");
  EXPECT_EQ(file_content(p.path("pipe.json")), file_content(p.path("file.json")));
}

TEST(Pipes, WhatIsReadTwiceIsReadWholeTwice) {
  const Piping p;
  p.folder.write("a.txt", "abc a long line\nand another, abc.\n");
  const std::string both = "espalier compare mixtral mixtral --json --seq-len 16 --data ";
  EXPECT_EQ(p.output(both + "<(cat a.txt)"), p.output(both + "a.txt"));
  const std::string observe = "espalier observe mixtral --samples 1 --seq-len 8 --out ";
  p.output(observe + "file.safetensors --data a.txt");
  p.output(observe + "pipe.safetensors --data <(gzip -c a.txt)");
  const std::string score = " --criterion frequency --out ";
  p.output("espalier score file.safetensors" + score + "file.json");
  p.output("espalier score <(cat pipe.safetensors)" + score + "pipe.json");
  EXPECT_EQ(file_content(p.path("pipe.json")), file_content(p.path("file.json")));
  p.output("espalier plan file.json --keep 0.5 --out plan.json; espalier apply mixtral plan.json --out a");
  p.output("espalier apply mixtral <(cat plan.json) --out b");
  EXPECT_EQ(file_content(p.path("a/espalier/plan.json")), file_content(p.path("b/espalier/plan.json")));
}

TEST(Pipes, WhatIsNoTextIsNamed) {
  const Piping p;
  const std::pair<const char*, const char*> cases[] = {
      {"<(printf 'abc' | iconv -t UTF-16)", "is UTF-16"},
      {"<(printf 'PAR1\\x15\\x04PAR1')", "is Parquet"},
      {"<(printf 'version https://git-lfs.github.com/spec/v1\\noid')", "git lfs pull"},
      {"absent.txt", "absent.txt: no such file"}};
  for (const auto& [text, error] : cases) {
    const ProgramRun run = p.shell(std::string("espalier tokenize mixtral --out x.json --text ") + text);
    EXPECT_EQ(run.exit_code, 2) << text;
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_FALSE(std::filesystem::exists(p.path("x.json")));
  }
}

}  // namespace
}  // namespace espalier
