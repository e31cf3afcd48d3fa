#include "data/vocabulary_training.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

namespace espalier {
namespace {

TEST(VocabularyTraining, ReadsFilesAndReports) {
  const auto folder = std::filesystem::path(testing::TempDir());
  const std::vector<std::filesystem::path> files = {folder / "vocabulary_1.txt", folder / "vocabulary_2.txt"};
  std::ofstream(files[0]) << "hug hug\npug\n";
  std::ofstream(files[1]) << "hug";
  std::set<std::string> reported;
  const auto pieces = train_wordpiece(files, {.vocabulary_size = 11},
                                      [&](const Progress& progress) { reported.emplace(progress.what); });
  EXPECT_EQ(pieces, (std::vector<std::string>{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "##g", "##u", "h",
                                              "p", "##ug", "hug"}));
  EXPECT_EQ(reported, (std::set<std::string>{"counting words", "training vocabulary"}));
}

}  // namespace
}  // namespace espalier
