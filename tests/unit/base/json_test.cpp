#include "base/json.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

struct BadText {
  const char* title;
  std::string text;
  std::vector<std::string> fragments;
};

TEST(Json, BadTextIsAUserErrorWithLineAndColumn) {
  const std::vector<BadText> cases{
      {"empty", "", {"f.json:1:1:", "not valid JSON"}},
      {"unfinished", "{\"a\": 1,\n \"b\": ", {"f.json:2:"}},
      {"trailing comma", "{\n\"a\": [1, 2,]\n}", {"f.json:2:12:"}},
      {"trailing text", "{} x", {"f.json:1:4:"}},
      {"two values", "1 2", {"f.json:1:"}},
      {"comment", "{} // c", {"f.json:1:"}},
      {"NaN", "[NaN]", {"f.json:1:2:"}},
      {"number out of range", "[1e999]", {"f.json:1:", "number overflow parsing '1e999'"}},
      {"duplicate key", "{\n  \"a\": 1,\n  \"a\": 2}", {"f.json:3:5:", "duplicate key \"a\""}},
      {"inner duplicate key", "{\"x\": [{\"a\": 1, \"b\": {}, \"a\": 2}]}", {"duplicate key \"a\""}},
      {"too deep", std::string(100, '['), {"f.json:1:65:", "nested deeper than 64"}},
      {"too deep by objects",
       [] {
         std::string s;
         for (int i = 0; i < 99; ++i) s += "{\"a\":";
         return s;
       }(),
       {"nested deeper"}},
      {"broken UTF-8", "[\"\xff\"]", {"f.json:1:", "UTF-8"}},
      {"control character", std::string("[\"a\nb\"]"), {"f.json:"}},
      {"lone surrogate", "[\"\\ud800\"]", {"f.json:1:"}},
      {"NUL", std::string("{}\0", 3), {"f.json:1:3:"}},
  };
  for (const BadText& bad : cases) {
    SCOPED_TRACE(bad.title);
    expect_user_error([&] { parse_json(bad.text, "f.json"); }, bad.fragments);
  }
}

TEST(Json, ParsesWhatItDumps) {
  const std::string text =
      "{\n  \"a\": [\n    1,\n    -2.5,\n    true,\n    null\n  ],\n  \"b\": {\n    \"\xc3\xa9\": "
      "\"\\u0001\"\n  },\n"
      "  \"c\": 18446744073709551615\n}\n";
  EXPECT_EQ(dump_json(parse_json(text, "t")), text);
  EXPECT_EQ(parse_json("[[[]]]", "t").dump(), "[[[]]]");
  EXPECT_EQ(parse_json(" 7 ", "t"), 7);
}

TEST(Json, DumpIsSortedAndShortest) {
  nlohmann::json value;
  value["z"] = 0.1;
  value["a"] = 1e-12;
  EXPECT_EQ(dump_json(value), "{\n  \"a\": 1e-12,\n  \"z\": 0.1\n}\n");
}

TEST(Json, DumpReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(dump_json("a\xff"), "\"a\uFFFD\"\n");
}

TEST(Json, ReadsAFileUnderItsPath) {
  const TemporaryFolder folder;
  write_file(folder / "a.json", "{\n x}");
  expect_user_error([&] { read_json(folder / "a.json"); }, {"a.json:2:2:"});
}

JsonObject object(const char* text) {
  return {parse_json(text, "o.json"), "o.json"};
}

TEST(JsonObject, ReadsTypedFields) {
  JsonObject o = object(R"({"i": 3, "d": 2.5, "n": null, "s": "x", "b": true, "l": [1, 2], "x": [0.5, 1],
                            "t": ["p"], "o": {"i": 1}, "a": [{"i": 2}, {"i": 3}]})");
  EXPECT_EQ(o.integer("i", {0, 3}), 3);
  EXPECT_EQ(o.integer("n", {}, 7), 7);
  EXPECT_EQ(o.number("d"), 2.5);
  EXPECT_EQ(o.number("i"), 3.0);
  EXPECT_EQ(o.string("s"), "x");
  EXPECT_EQ(o.string("absent", "y"), "y");
  EXPECT_TRUE(o.boolean("b"));
  EXPECT_EQ(o.integers("l"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(o.numbers("x"), (std::vector<double>{0.5, 1.0}));
  EXPECT_EQ(o.strings("t"), (std::vector<std::string>{"p"}));
  EXPECT_EQ(o.object("o").integer("i"), 1);
  EXPECT_EQ(o.objects("a").at(1).integer("i"), 3);
  EXPECT_FALSE(o.has("n"));
  o.finish();
}

TEST(JsonObject, MistakesNameTheFieldAndWhatWasExpected) {
  expect_user_error([] { object("[]"); }, {"o.json: found an array, expected a JSON object"});
  expect_user_error([] { object("{}").integer("layer"); }, {"o.json: the field layer is missing"});
  expect_user_error([] { object(R"({"layer": null})").integer("layer"); }, {"layer is missing"});
  expect_user_error(
      [] {
        object(R"({"k": 9})").integer("k", {1, 8});
      },
      {"o.json: k: found 9, expected an integer from 1 to 8"});
  expect_user_error([] { object(R"({"k": 1.0})").integer("k", {}, 2); },
                    {"k: found 1.0, expected an integer"});
  expect_user_error([] { object(R"({"k": 9223372036854775808})").integer("k"); }, {"expected an integer"});
  expect_user_error(
      [] {
        object(R"({"k": "1"})").number("k", {0, 1});
      },
      {"found \"1\", expected a number from 0 to 1"});
  expect_user_error(
      [] {
        object(R"({"k": 2})").number("k", {0, 1}, 0.5);
      },
      {"found 2, expected a number from 0 to 1"});
  expect_user_error([] { object(R"({"k": 1})").boolean("k"); }, {"expected true or false"});
  expect_user_error([] { object(R"({"k": [1, "2"]})").integers("k"); }, {"k[1]: found \"2\""});
  expect_user_error([] { object(R"({"k": [{"x": 1}, 2]})").objects("k"); },
                    {"o.json: k[1]: found 2, expected a JSON object"});
  expect_user_error([] { object(R"({"k": [{"x": "1"}]})").objects("k").at(0).integer("x"); },
                    {"o.json: k[0].x:"});
}

TEST(JsonObject, FinishRejectsUnknownFieldsAndNamesTheNearest) {
  JsonObject o = object(R"({"format": "espalier.plan/1", "seeds": 1})");
  o.expect_format("plan", 1);
  o.integer("seed", {}, 0);
  expect_user_error([&] { o.finish(); }, {"o.json: unknown field seeds", "did you mean seed?"});
}

TEST(JsonObject, AnotherFormatOrVersion) {
  expect_user_error([] { object(R"({"format": "espalier.plan/2"})").expect_format("plan", 1); },
                    {"found \"espalier.plan/2\", expected \"espalier.plan/1\"", "another version"});
  expect_user_error([] { object(R"({"format": "espalier.eval/1"})").expect_format("plan", 1); },
                    {"another kind"});
}

}  // namespace
}  // namespace espalier
