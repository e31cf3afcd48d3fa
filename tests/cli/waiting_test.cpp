// Where the program waits for another one, it says so, and the first Ctrl-C ends it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cli/running_program.h"
#include "cli/small_language_model.h"

namespace espalier {
namespace {

using testing::HasSubstr;

constexpr int kInterrupted = 130;

struct Waiting {
  TemporaryFolder folder;
  std::string model = golden_with_tokenizer(folder, "mixtral");
  std::string fifo = (folder / "fifo").string();

  Waiting() { EXPECT_EQ(::mkfifo(fifo.c_str(), 0600), 0); }

  /// Runs until the program says that it waits for `what`; then one Ctrl-C.
  void expect_wait(std::vector<std::string> arguments, const std::string& what) const {
    RunningProgram running(std::move(arguments));
    ASSERT_TRUE(running.wait_until([&] { return running.err().find(what) != std::string::npos; }))
        << running.err();
    EXPECT_EQ(running.stop(SIGINT), kInterrupted);
    EXPECT_THAT(running.err(), HasSubstr("stopped while " + what));
    EXPECT_TRUE(std::filesystem::is_fifo(fifo));
  }
};

TEST(Waiting, ForAReaderOfAFifo) {
  const Waiting w;
  const std::string text = w.folder.write("a.txt", "abc\n");
  w.expect_wait({"tokenize", w.model, "--text", text, "--out", w.fifo}, "waiting for a reader of " + w.fifo);
}

TEST(Waiting, ForAReaderThatStandsStill) {
  const Waiting w;
  const int reader = ::open(w.fifo.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  std::string lines;
  for (int i = 0; i < 40000; ++i) lines += "abc abc\n";  // more than a pipe holds
  const std::string text = w.folder.write("a.txt", lines);
  w.expect_wait({"tokenize", w.model, "--text", text, "--out", w.fifo},
                "waiting for the reader of " + w.fifo);
  ::close(reader);
}

TEST(Waiting, ForTheFirstBytesOfAFifo) {
  const Waiting w;
  const std::string out = (w.folder / "out.json").string();
  w.expect_wait({"tokenize", w.model, "--text", w.fifo, "--out", out}, "waiting for bytes from " + w.fifo);
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace espalier
