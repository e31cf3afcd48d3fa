#include "corpus/gcide.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace espalier::examples {
namespace {

using Lines = std::vector<std::string>;

TEST(Gcide, CleansNotation) {
  const struct {
    const char* text;
    const char* expected;
  } cases[] = {{"antenn[ae] of f[=e]sian and d['e]j[`a]", "antennæ of fe\u0304sian and de\u0301ja\u0300"},
               {"br[e^]ve and h[^e]te", "bre\u0306ve and he\u0302te"},
               {"To cheat. [Obs.] --Nares.", "To cheat."},
               {"followed by -- an adjective", "followed by -- an adjective"},
               {"See {Bell crank}.", "See Bell crank."},
               {"a [Written also {feaze} [rare]] b", "a b"},
               {"two\n   lines ,  joined", "two lines, joined"},
               {"unclosed [Obs. rest", "unclosed"},
               {"stray ] closes", "stray closes"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(clean_gcide_text(text), expected);
}

constexpr std::string_view kContent = R"(
00-database-info
   This file was converted from the original database on some day.

Feeler \Feel"er\, n.
   1. One who, or that which, feels.
      [1913 Webster]

   2. (Zool.) One of the sense organs or certain animals (as
      insects), which are used in testing objects by touch.
      [1913 Webster]

            Insects . . . perpetually feeling and searching
            before them with their feelers.  --Derham.
      [1913 Webster]

   3. a definition that WordNet wrote.

   Syn: antenna, tentacle
        [WordNet 1.5]

Feetless \Feet"less\, a. [See {Feet},
   and {-less}.]
   Destitute of feet; as, feetless birds.
   [1913 Webster] Feeze

Feeze \Feeze\ (f[=e]z), Feese \Feese\, v. t.
   To turn, as a screw. [Scot] --Jamieson.
   [1913 Webster] The text goes on behind the mark here.
   [PJC]

achondrite \achondrite\ n.
   A stony meteor lacking chondrules.
   [WordNet 1.5]
)";

TEST(Gcide, ReadsEntriesWithoutWhatWordNetGave) {
  GcideSummary summary;
  const auto entries = parse_gcide(kContent, &summary);
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].headword, "Feeler");
  EXPECT_EQ(
      entries[0].lines,
      (Lines{"One who, or that which, feels.",
             "(Zool.) One of the sense organs or certain animals (as insects), which are used in testing "
             "objects by touch.",
             "Insects... perpetually feeling and searching before them with their feelers."}));
  EXPECT_EQ(entries[1].headword, "Feetless");
  EXPECT_EQ(entries[1].lines, Lines{"Destitute of feet; as, feetless birds."});
  EXPECT_EQ(entries[2].headword, "Feeze");
  EXPECT_EQ(entries[2].lines, (Lines{"To turn, as a screw.", "The text goes on behind the mark here."}));
  EXPECT_EQ(summary.entries, 3u);
  EXPECT_EQ(summary.wordnet_blocks, 3u);
}

TEST(Gcide, SensesWithoutAMarkFallWithWordNetsInTheSameEntry) {
  const auto entries = parse_gcide(
      "Word \\Word\\ n.\n   1. a sense of the old book here.\n      [1913 Webster]\n\n   2. a newer sense "
      "taken "
      "over.\n      [WordNet 1.5 +PJC]\n\n   3. a last sense without any mark.\n");
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].lines, Lines{"a sense of the old book here."});
}

TEST(Gcide, AMissingFileNamesThePackage) {
  try {
    read_gcide("/nonexistent");
    ADD_FAILURE() << "no error";
  } catch (const UserError& error) {
    EXPECT_NE(error.hint().find("apt-get install dict-gcide"), std::string::npos);
  }
}

}  // namespace
}  // namespace espalier::examples
