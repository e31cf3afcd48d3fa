// Bad text and vocabularies: one clear error each, never a crash.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/text_file.h"
#include "data/token_corpus.h"
#include "data/vocabulary_training.h"
#include "data/wordnet.h"
#include "packed_text.h"
#include "text/wordpiece.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

const fs::path& folder() {
  static const fs::path path = [] {
    auto made = fs::path(testing::TempDir()) / ("corrupt_text_" + std::to_string(getpid()));
    fs::create_directories(made);
    return made;
  }();
  return path;
}

fs::path write(const std::string& name, const std::string& bytes) {
  std::ofstream(folder() / name, std::ios::binary) << bytes;
  return folder() / name;
}

WordPiece tokenizer() {
  return WordPiece::from_pieces({"[UNK]", "a", "b"}, {});
}

TokenCorpus corpus(const std::vector<fs::path>& files) {
  return TokenCorpus::build(files, tokenizer(), folder() / "cache");
}

std::string flipped(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(bytes[at] ^ 0x5A);
  return bytes;
}

std::string varied_text() {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i * 7919 % 5003) + "\n";
  return text;
}

struct Case {
  const char* what;
  std::function<void()> action;
  std::vector<const char*> expected;  // parts of the message
};

std::vector<Case> corpus_cases() {
  const auto packed = gzip(varied_text());
  const auto squeezed = zstd(varied_text());
  return {{"no files", [] { corpus({}); }, {"no text files"}},
          {"absent", [] { corpus({folder() / "absent.txt"}); }, {"absent.txt", "No such file"}},
          {"a folder", [] { corpus({folder()}); }, {"is a folder"}},
          {"empty", [] { corpus({write("empty.txt", "")}); }, {"the corpus is empty", "empty.txt"}},
          {"blank", [] { corpus({write("blank.txt", "\n \n\t\n")}); }, {"the corpus is empty"}},
          {"two empty ones",
           [] {
             corpus({write("empty.txt", ""), write("blank.txt", "\n")});
           },
           {"and 1 more files"}},
          {"broken UTF-8",
           [] { corpus({write("latin.txt", "a b\na caf\xE9\n")}); },
           {"latin.txt: line 2, byte 6", "0xE9"}},
          {"cut UTF-8 at the end", [] { corpus({write("cut.txt", "a\xE2\x82")}); }, {"line 1, byte 2"}},
          {"overlong", [] { corpus({write("over.txt", "a\n\nb \xC0\x80")}); }, {"line 3, byte 3"}},
          {"surrogate", [] { corpus({write("pair.txt", "\xED\xA0\x80")}); }, {"line 1, byte 1"}},
          {"cut gzip",
           [=] { corpus({write("cut.gz", packed.substr(0, packed.size() / 2))}); },
           {"cut.gz", "cut short"}},
          {"gzip without its sum",
           [=] { corpus({write("sum.gz", packed.substr(0, packed.size() - 4))}); },
           {"cut short"}},
          {"damaged gzip",
           [=] { corpus({write("bad.gz", flipped(packed, packed.size() - 6))}); },
           {"bad.gz", "gzip data"}},
          {"cut Zstandard",
           [=] { corpus({write("cut.zst", squeezed.substr(0, squeezed.size() - 1))}); },
           {"cut short"}},
          {"damaged Zstandard",
           [=] { corpus({write("bad.zst", flipped(squeezed, 5))}); },
           {"bad.zst", "Zstandard data"}},
          {"vocabulary from broken UTF-8",
           [] { train_wordpiece(std::vector{write("v.txt", "ok\n\xFF")}, {}); },
           {"v.txt: line 2, byte 1"}},
          {"vocabulary from nothing",
           [] { train_wordpiece(std::vector{write("n.txt", "")}, {}); },
           {"no words"}}};
}

std::vector<Case> vocabulary_cases() {
  const auto load = [](const std::string& content) {
    return [content] { WordPiece::load(write("vocab.txt", content), {}); };
  };
  return {{"absent", [] { WordPiece::load(folder() / "no-vocab.txt", {}); }, {"no-vocab.txt"}},
          {"empty", load(""), {"vocab.txt", "empty"}},
          {"no [UNK]", load("a\nb\n"), {"no piece [UNK]"}},
          {"repeated", load("[UNK]\na\na\n"), {"line 3", "\"a\"", "line 2"}},
          {"empty piece", load("[UNK]\n\na\n"), {"line 2: empty piece"}},
          {"space", load("[UNK]\na b\n"), {"line 2: white space"}},
          {"broken UTF-8", load("[UNK]\n\xC3\n"), {"line 2, byte 1", "0xC3"}},
          {"a binary file", load(std::string("ESPTOKEN\0\0\1\xFF", 12)), {"line 1", "invalid UTF-8"}}};
}

std::vector<Case> wordnet_cases() {
  const auto parse = [](const std::string& content) {
    return [content] { parse_wordnet(content, "data.noun"); };
  };
  return {
      {"no synsets", parse("  1 licence\n"), {"data.noun", "no synsets"}},
      {"no fields", parse("x\n"), {"line 1", "synset offset", "\"x\""}},
      {"category past the last",
       parse("00000001 45 n 01 a 0 000 | b\n"),
       {"lexicographer file number", "45"}},
      {"unknown type", parse("00000001 03 q 01 a 0 000 | b\n"), {"synset type", "\"q\""}},
      {"fewer words than said", parse("00000001 03 n 05 a 0\n"), {"line 1", "missing"}},
      {"a marker for a word", parse("00000001 00 s 01 (p) 0 000 | b\n"), {"line 1", "no word in \"(p)\""}},
      {"no gloss", parse("00000001 03 n 01 a 0 000 \n"), {"no gloss"}},
      {"broken UTF-8",
       parse("00000001 03 n 01 a 0 000 | b\n00000002 03 n 01 \xFF 0 000 | b\n"),
       {"line 2, byte"}}};
}

void run(const std::vector<Case>& cases) {
  for (const auto& [what, action, expected] : cases) {
    try {
      action();
      ADD_FAILURE() << what << ": no error";
    } catch (const UserError& error) {
      for (const char* part : expected) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << what << ": " << error.what();
      }
      EXPECT_FALSE(error.hint().empty()) << what;
    }
  }
}

TEST(CorruptText, Corpora) {
  run(corpus_cases());
}
TEST(CorruptText, Vocabularies) {
  run(vocabulary_cases());
}
TEST(CorruptText, WordNet) {
  run(wordnet_cases());
}

// A full disk as a file-size limit, in a process of its own.
TEST(CorruptText, FullDisk) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "a b\n";
  const auto file = write("large.txt", text);
  const auto cache = folder() / "full";
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      TokenCorpus::build({file}, tokenizer(), cache);
    } catch (const UserError& error) {
      _exit(error.hint().empty() ? 3 : 2);
    } catch (...) {
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 2);
  for (const auto& entry : fs::directory_iterator(cache)) {
    EXPECT_EQ(entry.path().filename(), "sources.json") << "left behind";
  }
  EXPECT_EQ(TokenCorpus::build({file}, tokenizer(), cache).size(), 400'000u);
}

}  // namespace
}  // namespace espalier
