#include "data/wordnet.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "base/error.h"

namespace espalier {
namespace {

constexpr std::string_view kContent =
    "  1 a line of the licence | not a synset  \n"
    "00001740 29 v 02 breathe 0 take_a_breath 0 001 * 00005041 v 0000 02 + 02 00 + 08 00 | draw air into, "
    "and "
    "expel out of, the lungs; \"I can breathe better\"; \"The patient is respiring\"  \n"
    "00002098 00 s 01 able(p) 0 000 | (usually followed by `to') having \"know-how\" or skill; a second "
    "sense; "
    "\"able to swim\" - Anonymous; \"cut short  \n";

TEST(WordNet, ReadsSynsets) {
  const auto synsets = parse_wordnet(kContent, "data");
  ASSERT_EQ(synsets.size(), 2u);
  const auto& breathe = synsets[0];
  EXPECT_EQ(breathe.offset, 1740u);
  EXPECT_EQ(breathe.part_of_speech, 'v');
  EXPECT_EQ(kWordNetCategories[static_cast<std::size_t>(breathe.category)], "verb.body");
  EXPECT_EQ(breathe.words, (std::vector<std::string>{"breathe", "take a breath"}));
  EXPECT_EQ(breathe.definition, "draw air into, and expel out of, the lungs");
  EXPECT_EQ(breathe.examples, (std::vector<std::string>{"I can breathe better", "The patient is respiring"}));
  const auto& able = synsets[1];
  EXPECT_EQ(able.words, std::vector<std::string>{"able"});
  EXPECT_EQ(able.definition, "(usually followed by `to') having \"know-how\" or skill; a second sense");
  EXPECT_EQ(able.examples, (std::vector<std::string>{"able to swim", "cut short"}));
}

TEST(WordNet, CategoriesAreThoseOfLexnames) {
  EXPECT_EQ(kWordNetCategories[0], "adj.all");
  EXPECT_EQ(kWordNetCategories[3], "noun.Tops");
  EXPECT_EQ(kWordNetCategories[18], "noun.person");
  EXPECT_EQ(kWordNetCategories[28], "noun.time");
  EXPECT_EQ(kWordNetCategories[29], "verb.body");
  EXPECT_EQ(kWordNetCategories[44], "adj.ppl");
  EXPECT_EQ(std::set<std::string_view>(kWordNetCategories.begin(), kWordNetCategories.end()).size(), 45u);
}

TEST(WordNet, SplitIsStableAndIgnoresCaseAndPunctuation) {
  // From a second implementation; they must never change, or results stop being comparable.
  EXPECT_EQ(
      split_of("that which is perceived or known or inferred to have its own distinct existence (living or "
               "nonliving)"),
      Split::kTest);
  EXPECT_EQ(split_of("a member of the genus Canis"), Split::kDev);
  EXPECT_EQ(split_of("without any delay"), Split::kDev);
  EXPECT_EQ(split_of("a separate and self-contained entity"), Split::kTrain);
  EXPECT_EQ(split_of("caf\u00E9 au lait"), Split::kTrain);
  EXPECT_EQ(normalized_definition("  A (small) Dog;\"caf\u00E9\"--9! "), "a small dog caf\u00E9 9");
  EXPECT_EQ(split_of("A small  dog!"), split_of("a small dog"));
}

TEST(WordNet, SplitsNinetyFiveFive) {
  std::array<int, 3> counts{};
  for (int i = 0; i < 20'000; ++i)
    ++counts[static_cast<std::size_t>(split_of("definition " + std::to_string(i)))];
  EXPECT_NEAR(counts[0], 18'000, 150);
  EXPECT_NEAR(counts[1], 1'000, 120);
  EXPECT_NEAR(counts[2], 1'000, 120);
}

TEST(WordNet, AMissingFileNamesThePackage) {
  try {
    read_wordnet("/nonexistent");
    ADD_FAILURE() << "no error";
  } catch (const UserError& error) {
    EXPECT_NE(error.hint().find("apt-get install wordnet-base"), std::string::npos);
  }
}

}  // namespace
}  // namespace espalier
