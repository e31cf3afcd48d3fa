#include "corpus/pretraining_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace espalier::examples {
namespace {

// The splits of these definitions are fixed by `split_of` (tests/unit/data/wordnet_test.cpp).
constexpr const char* kHeldOut = "a member of the genus Canis";
constexpr const char* kHeldOutShort = "without any delay";
constexpr const char* kTrain = "a separate and self-contained entity";

Synset synset(const std::string& word, const std::string& definition,
              std::vector<std::string> examples = {}) {
  Synset out;
  out.words = {word};
  out.definition = definition;
  out.examples = std::move(examples);
  return out;
}

TEST(HeldOutDefinitions, FindsLongOnesAnywhereAndShortOnesAlone) {
  const HeldOutDefinitions held_out(
      std::vector<Synset>{synset("dog", kHeldOut), synset("now", kHeldOutShort), synset("thing", kTrain)});
  EXPECT_EQ(held_out.size(), 2u);
  const struct {
    const char* text;
    bool expected;
  } cases[] = {{"a member of the genus Canis", true},
               {"Any dog, being A MEMBER of the genus (canis), barks.", true},
               {"a member of the genus Canisx", false},
               {"aa member of the genus Canis", false},
               {"a member of the genus", false},
               {"without any delay", true},
               {"now: Without any delay; at once", true},
               {"first line\nwithout any delay\nlast line", true},
               {"he came without any delay at all", false},
               {kTrain, false},
               {"", false}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(held_out.occurs_in(text), expected) << text;
}

TEST(PretrainingText, LeavesHeldOutSynsetsOut) {
  const std::vector<Synset> synsets = {synset("thing", kTrain, {"it is a thing", "things"}),
                                       synset("dog", kHeldOut),
                                       synset("wolf", std::string("an entity that is ") + kHeldOut)};
  ASSERT_EQ(split_of(synsets[2].definition), Split::kTrain);
  std::string text;
  const auto summary =
      write_wordnet_text(synsets, HeldOutDefinitions(synsets), [&](std::string_view part) { text += part; });
  EXPECT_EQ(text, "thing: a separate and self-contained entity.\nit is a thing\nthings\n\n");
  EXPECT_EQ(summary.documents, 1u);
  EXPECT_EQ(summary.held_out_synsets, 1u);
  EXPECT_EQ(summary.repeated_held_out, 1u);
}

TEST(PretrainingText, LeavesHeldOutLinesOfTheDictionaryOut) {
  const HeldOutDefinitions held_out(std::vector<Synset>{synset("dog", kHeldOut)});
  const std::vector<GcideEntry> entries = {
      {"Dog", {"A member of the genus Canis.", "A firedog.", "An andiron."}},
      {"Wolf", {"(Zool.) a member of the genus Canis."}}};
  std::string text;
  const auto summary = write_gcide_text(entries, held_out, [&](std::string_view part) { text += part; });
  EXPECT_EQ(text, "Dog: A firedog.\nAn andiron.\n\n");
  EXPECT_EQ(summary.documents, 1u);
  EXPECT_EQ(summary.repeated_held_out, 2u);
}

}  // namespace
}  // namespace espalier::examples
