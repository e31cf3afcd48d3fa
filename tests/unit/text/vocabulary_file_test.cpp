#include "text/vocabulary_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"

namespace espalier {
namespace {

using Pieces = std::vector<std::string>;

TEST(VocabularyFile, ReadsEitherLineEndAndAMissingLastOne) {
  EXPECT_EQ(parse_vocabulary("a\n##b\n", "v"), (Pieces{"a", "##b"}));
  EXPECT_EQ(parse_vocabulary("a\r\n##b\r\n", "v"), (Pieces{"a", "##b"}));
  EXPECT_EQ(parse_vocabulary("a\n##b", "v"), (Pieces{"a", "##b"}));
}

TEST(VocabularyFile, RoundTrips) {
  const auto file = std::filesystem::path(testing::TempDir()) / "vocabulary_file_test.txt";
  const Pieces pieces = {"[PAD]", "[UNK]", "é", "##中"};
  write_vocabulary(file, pieces);
  EXPECT_EQ(read_vocabulary(file), pieces);
  std::filesystem::remove(file);
}

TEST(VocabularyFile, ErrorsNameTheLine) {
  const struct {
    const char* content;
    const char* expected;
  } cases[] = {{"", "v: the vocabulary is empty"},
               {"a\n\nb\n", "v: line 2: empty piece"},
               {"a\nb\na\n", "v: line 3: piece \"a\" stands in line 1 already"},
               {"a\nb c\n", "v: line 2: white space in piece \"b c\""},
               {"a\nb\nx\xFF\n", "v: line 3, byte 2: invalid UTF-8 (0xFF)"}};
  for (const auto& [content, expected] : cases) {
    try {
      parse_vocabulary(content, "v");
      ADD_FAILURE() << "no error: " << expected;
    } catch (const UserError& error) {
      EXPECT_STREQ(error.what(), expected);
      EXPECT_FALSE(error.hint().empty());
    }
  }
}

TEST(VocabularyFile, WritesNothingItCannotRead) {
  const auto file = std::filesystem::path(testing::TempDir()) / "vocabulary_file_test_bad.txt";
  EXPECT_THROW(write_vocabulary(file, Pieces{"a", "a"}), UserError);
  EXPECT_THROW(write_vocabulary(file, Pieces{"a\nb"}), UserError);
  EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace espalier
