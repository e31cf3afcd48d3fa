#include "options/option_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "options/option_reference.h"

namespace espalier::options {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

enum class Colour { kRed, kBlue };

struct PaintOptions {
  std::filesystem::path wall;
  std::vector<std::string> brushes;
  std::optional<std::string> name;
  Colour colour = Colour::kRed;
  std::optional<Colour> border;
  bool wet = false;
  Colour mood = Colour::kRed;
  int coats = 2;
  std::uint64_t seed = 42;
  double share = 0.5;
  std::optional<std::uint64_t> size;
  std::vector<double> weights;
};

void describe(OptionTable& table, PaintOptions& options) {
  table.positional("wall", options.wall, "WALL", "what is painted").require();
  table.add("brush", options.brushes, "NAME,..", "brushes").divided_by(',');
  table.add("name", options.name, "TEXT", "of the picture");
  table.choice("colour", options.colour, "NAME", {{"red", Colour::kRed}, {"blue", Colour::kBlue}},
               "of paint");
  table.choice("border", options.border, "NAME", {{"red", Colour::kRed}, {"blue", Colour::kBlue}},
               "of the border");
  table.flag("wet", options.wet, "paint on wet paint").without("coats");
  table.flag("blue-mood", options.mood, Colour::kBlue, "be sad");
  table.add("coats", options.coats, "N", "layers of paint").between(1, 10);
  table.add("seed", options.seed, "N", "of chance");
  table.add("share", options.share, "SHARE", "of the wall").above(0);
  table.bytes("size", options.size, "of the picture");
  table.add("weights", options.weights, "X", "of the brushes");
}

struct Described {
  PaintOptions options;
  OptionTable table;
  Described() { describe(table, options); }
  std::string refused(std::string_view name, const Words& words) {
    try {
      table.set(name, words);
    } catch (const UserError& error) {
      return std::string(error.what()) + "|" + error.hint();
    }
    return "taken";
  }
};

TEST(OptionTable, SetsFieldsOfEveryType) {
  Described d;
  d.table.set("wall", Words{"south"});
  d.table.set("brush", Words{"a,b", "c"});
  d.table.set("name", Words{"-x"});
  d.table.set("colour", Words{"blue"});
  d.table.set("border", Words{"blue"});
  d.table.set("wet", Words{"true"});
  d.table.set("blue-mood", Words{"true"});
  d.table.set("coats", Words{"+3"});
  d.table.set("seed", Words{"18446744073709551615"});
  d.table.set("share", Words{"5e-4"});
  d.table.set("size", Words{"20GB"});
  d.table.set("weights", Words{"1", "2.5"});
  const PaintOptions& o = d.options;
  EXPECT_EQ(o.wall, "south");
  EXPECT_THAT(o.brushes, ElementsAre("a", "b", "c"));
  EXPECT_EQ(o.name, "-x");
  EXPECT_EQ(o.colour, Colour::kBlue);
  EXPECT_EQ(o.border, Colour::kBlue);
  EXPECT_TRUE(o.wet);
  EXPECT_EQ(o.mood, Colour::kBlue);
  EXPECT_EQ(o.coats, 3);
  EXPECT_EQ(o.seed, 18446744073709551615U);
  EXPECT_EQ(o.share, 0.0005);
  EXPECT_EQ(o.size, 20'000'000'000U);
  EXPECT_THAT(o.weights, ElementsAre(1.0, 2.5));
}

TEST(OptionTable, SizesHaveUnits) {
  for (const auto& [word, bytes] :
       std::vector<std::pair<std::string, std::uint64_t>>{{"0", 0},
                                                          {"7", 7},
                                                          {"7b", 7},
                                                          {"3kB", 3000},
                                                          {"3KiB", 3072},
                                                          {"2 mb", 2'000'000},
                                                          {"0.1MB", 100'000},
                                                          {"1.5KiB", 1536},
                                                          {"1T", 1'000'000'000'000}}) {
    Described d;
    d.table.set("size", Words{word});
    EXPECT_EQ(d.options.size, bytes) << word;
  }
}

TEST(OptionTable, RefusesWhatAnOptionDoesNotTake) {
  Described d;
  EXPECT_EQ(d.refused("coats", {"many"}), "--coats: found many, expected a whole number from 1 to 10|");
  EXPECT_EQ(d.refused("coats", {"11"}), "--coats: found 11, expected a whole number from 1 to 10|");
  EXPECT_EQ(d.refused("coats", {"2.5"}), "--coats: found 2.5, expected a whole number from 1 to 10|");
  EXPECT_EQ(d.refused("coats", {"99999999999999999999"}),
            "--coats: found 99999999999999999999, expected a whole number from 1 to 10|");
  EXPECT_EQ(d.refused("coats", {"1", "2"}), "--coats: found 2 values, expected one|");
  EXPECT_EQ(d.refused("seed", {"-1"}), "--seed: found -1, expected a whole number from 0 on|");
  EXPECT_EQ(d.refused("share", {"0"}), "--share: found 0, expected a number above 0|");
  EXPECT_EQ(d.refused("share", {"nan"}), "--share: found nan, expected a number above 0|");
  EXPECT_EQ(d.refused("colour", {"bleu"}), "--colour: found bleu, expected red, blue|did you mean blue?");
  EXPECT_EQ(d.refused("wet", {"maybe"}), "--wet: found maybe, expected true or false|");
  EXPECT_THAT(d.refused("size", {"20XB"}), HasSubstr("--size: found 20XB, expected a whole number of bytes"));
  EXPECT_THAT(d.refused("size", {"99999999999EB"}), HasSubstr("a whole number of bytes"));
  for (const char* word : {"-1", "0.0001kB", ".5MB", "1.MB", "1.2.3MB", "1e3", ""})
    EXPECT_THAT(d.refused("size", {word}), HasSubstr("a whole number of bytes")) << word;
  EXPECT_THAT(d.refused("coat", {"1"}), HasSubstr("coats"));
  EXPECT_EQ(d.options.coats, 2) << "nothing was set";
}

TEST(OptionTable, ChecksWhatGoesTogether) {
  Described d;
  EXPECT_THROW(d.table.check(), UserError) << "WALL is required";
  d.table.set("wall", Words{"w"});
  d.table.set("wet", Words{"true"});
  EXPECT_NO_THROW(d.table.check());
  d.table.set("coats", Words{"2"});
  EXPECT_THROW(d.table.check(), UserError);
}

TEST(OptionTable, DefaultsAreTheFieldsOwn) {
  const Described d;
  EXPECT_EQ(d.table.find("coats")->default_text, "2");
  EXPECT_EQ(d.table.find("share")->default_text, "0.5");
  EXPECT_EQ(d.table.find("colour")->default_text, "red");
  EXPECT_EQ(d.table.find("border")->default_text, "");
  EXPECT_EQ(d.table.find("wet")->default_text, "");
}

TEST(OptionTable, CommandLineSetsWhatIsNotAtItsDefault) {
  PaintOptions options;
  options.wall = "north wall";
  options.brushes = {"a", "b"};
  options.name = "-dash";
  options.wet = true;
  options.share = 0.25;
  const Words words = command_line("paint", options);
  EXPECT_THAT(words, ElementsAre("paint", "north wall", "--brush", "a", "b", "--name=-dash", "--wet",
                                 "--share", "0.25"));
}

TEST(OptionTable, TakesOptionsOfOthers) {
  Described d;
  OptionTable outer;
  outer.take(d.table, "coats");
  outer.take(d.table, "wall", "house-wall");
  outer.set("coats", Words{"5"});
  outer.set("house-wall", Words{"east"});
  EXPECT_EQ(d.options.coats, 5);
  EXPECT_EQ(d.options.wall, "east");
  EXPECT_FALSE(outer.find("house-wall")->required);
  EXPECT_THROW(outer.take(d.table, "coats"), InternalError) << "twice";
}

TEST(OptionReference, HasAnEntryForEachOption) {
  const Described d;
  const std::string text = reference(d.table);
  for (const char* line :
       {"- `WALL` (required): what is painted\n", "- `--coats N` (default 2; 1 to 10): layers of paint\n",
        "- `--wet` (not with `--coats`): paint on wet paint\n",
        "- `--share SHARE` (default 0.5; above 0): of the wall\n",
        "- `--colour NAME` (default red; red, blue): of paint\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

}  // namespace
}  // namespace espalier::options
