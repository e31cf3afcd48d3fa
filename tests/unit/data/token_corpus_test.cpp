#include "data/token_corpus.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

WordPiece tokenizer(std::size_t size = 8) {
  std::vector<std::string> pieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"};
  for (std::size_t i = pieces.size(); i < size; ++i) pieces.push_back("x" + std::to_string(i));
  return WordPiece::from_pieces(std::move(pieces), {});
}

class TokenCorpusTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("token_corpus_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  fs::path cache() const { return folder_ / "cache"; }
  std::size_t files_in_cache(const std::string& extension) const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(cache())) count += entry.path().extension() == extension;
    return count;
  }
  // Counts the lines that are tokenized: none when the cache serves.
  TokenCorpus build(const std::vector<fs::path>& files, const WordPiece& wordpiece) {
    tokenized_ = false;
    return TokenCorpus::build(
        files, wordpiece, cache(), [&](const Progress& p) { tokenized_ |= p.what == "tokenizing"; },
        [&](std::string_view text) { note_ = text; });
  }

  fs::path folder_;
  bool tokenized_ = false;
  std::string note_;
};

using Tokens = std::vector<std::uint16_t>;
using Ends = std::vector<std::uint64_t>;

template <class T>
std::vector<T> to_vector(std::span<const T> values) {
  return {values.begin(), values.end()};
}

TEST_F(TokenCorpusTest, DocumentsEndAtEmptyLinesAndFiles) {
  const auto corpus = build({write("1", "a b\nc\n\n \n\nb\n"), write("2", "c c\n\n")}, tokenizer());
  EXPECT_EQ(to_vector(corpus.tokens16()), (Tokens{5, 6, 7, 6, 7, 7}));
  EXPECT_EQ(to_vector(corpus.document_ends()), (Ends{3, 4, 6}));
  EXPECT_EQ(corpus.size(), 6u);
  EXPECT_EQ(corpus.token(2), 7);
  EXPECT_TRUE(corpus.tokens32().empty());
  EXPECT_THROW(corpus.token(6), InternalError);
  EXPECT_EQ(corpus.key().size(), 64u);
}

TEST_F(TokenCorpusTest, EachLineIsADocumentWhenAsked) {
  const auto file = write("1", "a b\nc\n\nb\n");
  const auto corpus = TokenCorpus::build({file}, tokenizer(), cache(), {}, {}, DocumentBoundary::kLine);
  EXPECT_EQ(to_vector(corpus.document_ends()), (Ends{2, 3, 4}));
  EXPECT_NE(corpus.key(), build({file}, tokenizer()).key());
}

TEST_F(TokenCorpusTest, LargeVocabulariesTake32Bits) {
  const auto corpus = build({write("1", "a x70000")}, tokenizer(70'001));
  EXPECT_TRUE(corpus.tokens16().empty());
  EXPECT_EQ(to_vector(corpus.tokens32()), (std::vector<std::uint32_t>{5, 70'000}));
  EXPECT_EQ(corpus.token(1), 70'000);
}

TEST_F(TokenCorpusTest, MoreThanOneFlush) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += i % 3 == 0 ? "a b\n" : "c\n\n";
  const auto corpus = build({write("1", text)}, tokenizer());
  EXPECT_EQ(corpus.size(), 400'000u);
  EXPECT_EQ(corpus.document_ends().size(), 200'000u);
  EXPECT_EQ(corpus.document_ends().back(), 400'000u);
  EXPECT_EQ(corpus.token(399'999), 7);
}

TEST_F(TokenCorpusTest, TheCacheServesUntilSomethingChanges) {
  const auto file = write("1", "a b c");
  const auto key = build({file}, tokenizer()).key();
  EXPECT_TRUE(tokenized_);
  EXPECT_EQ(build({file}, tokenizer()).key(), key);
  EXPECT_FALSE(tokenized_);

  const auto same_content = write("copy", "a b c");
  EXPECT_EQ(build({same_content}, tokenizer()).key(), key);
  EXPECT_FALSE(tokenized_);

  build({file}, tokenizer(9));
  EXPECT_TRUE(tokenized_) << "another vocabulary";
  build({file}, WordPiece::from_pieces({"[UNK]", "a", "b", "c"}, {.lower_case = false}));
  EXPECT_TRUE(tokenized_) << "another option";

  write("1", "c b a");  // same size, perhaps the same time
  const auto changed = build({file}, tokenizer());
  EXPECT_TRUE(tokenized_);
  EXPECT_NE(changed.key(), key);
  EXPECT_EQ(to_vector(changed.tokens16()), (Tokens{7, 6, 5}));
}

TEST_F(TokenCorpusTest, DamagedCachesAreBuiltAgain) {
  const auto file = write("1", "a b c");
  const auto expected = to_vector(build({file}, tokenizer()).tokens16());
  fs::path cached;
  for (const auto& entry : fs::directory_iterator(cache())) {
    if (entry.path().extension() == ".tokens") cached = entry.path();
  }
  const auto size = fs::file_size(cached);
  for (const std::uintmax_t cut : {std::uintmax_t{0}, std::uintmax_t{5}, size - 1, size + 8}) {
    fs::resize_file(cached, cut);
    note_.clear();
    EXPECT_EQ(to_vector(build({file}, tokenizer()).tokens16()), expected) << cut;
    EXPECT_NE(note_.find("damaged"), std::string::npos) << cut;
  }
  std::ofstream(cache() / "sources.json") << "{ not json";
  EXPECT_EQ(to_vector(build({file}, tokenizer()).tokens16()), expected);
}

TEST_F(TokenCorpusTest, KilledHalfWayLeavesNothingThatLooksWhole) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += "a b c\n\n";
  const auto file = write("1", text);
  const pid_t child = fork();
  if (child == 0) {
    // Killed while tokens are written, before the file is whole.
    TokenCorpus::build({file}, tokenizer(), cache(), [](const Progress& progress) {
      if (progress.what == "tokenizing" && progress.done > progress.total / 2) kill(getpid(), SIGKILL);
    });
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(files_in_cache(".tokens"), 0u);
  EXPECT_EQ(build({file}, tokenizer()).size(), 1'200'000u);
  EXPECT_EQ(files_in_cache(".tokens"), 1u);
}

}  // namespace
}  // namespace espalier
