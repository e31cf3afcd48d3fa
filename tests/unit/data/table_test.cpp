#include "data/table.h"

#include <gtest/gtest.h>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using Rows = std::vector<std::vector<std::string>>;

struct Read {
  Rows rows;
  std::vector<std::string> where;
  std::uint64_t skipped = 0;
};

Read read(std::string_view text, TableFormat format, const std::vector<std::string>& wanted,
          const std::vector<std::string>& positions = {}, UnevenRows uneven = UnevenRows::kError) {
  TableColumns columns{.positions = positions, .uneven = uneven};
  for (const auto& name : wanted) columns.wanted.push_back({name, ""});
  TableReader reader(lines_of(text), format, columns, "f");
  Read all;
  while (reader.next()) {
    all.rows.push_back(reader.fields());
    all.where.push_back(reader.where());
  }
  all.skipped = reader.skipped_rows();
  return all;
}

TEST(Table, TsvColumnsAreFoundByHeaderAndQuotesAreText) {
  const auto all = read("id\ttext\tlabel\r\n0\t\"open, and 5\" tall\tyes\r\n\n1\t\tno", TableFormat::kTsv,
                        {"label", "text"});
  EXPECT_EQ(all.rows, (Rows{{"yes", "\"open, and 5\" tall"}, {"no", ""}}));
  EXPECT_EQ(all.where, (std::vector<std::string>{"f: line 2", "f: line 4"}));
}

TEST(Table, CsvQuotesHoldCommasLinesAndQuotes) {
  const auto all = read(
      "text,label\n\"a, b\",1\n\"he said \"\"so\"\"\",2\n\"two\nlines\r\n\nand "
      "more\",3\n,4\n\"\",\"5\"\n\"\"\"\",6\n",
      TableFormat::kCsv, {"text", "label"});
  EXPECT_EQ(all.rows, (Rows{{"a, b", "1"},
                            {"he said \"so\"", "2"},
                            {"two\nlines\n\nand more", "3"},
                            {"", "4"},
                            {"", "5"},
                            {"\"", "6"}}));
  EXPECT_EQ(all.where[3], "f: line 8") << "a record is where it begins";
}

TEST(Table, CsvRecordsEndWithAnEmptyField) {
  EXPECT_EQ(read("a,b\n1,\n\"2\",\n", TableFormat::kCsv, {"a", "b"}).rows, (Rows{{"1", ""}, {"2", ""}}));
}

TEST(Table, JsonLinesTakeStringsNumbersAndBooleans) {
  const auto all = read(
      "{\"text\": \"a\\tb\", \"label\": 1}\n\n {\"label\": true, \"text\": \"\\u00e9\"}\n{\"text\": 2.5, "
      "\"label\": "
      "\"x\", \"more\": [1]}",
      TableFormat::kJsonLines, {"text", "label"});
  EXPECT_EQ(all.rows, (Rows{{"a\tb", "1"}, {"\u00e9", "true"}, {"2.5", "x"}}));
  EXPECT_EQ(all.where[2], "f: line 4");
}

TEST(Table, AFileWithoutHeaderHasNamedPositions) {
  const std::vector<std::string> positions{"source", "label", "star", "sentence"};
  EXPECT_EQ(
      read("gj04\t1\t\tA b.\ngj04\t0\t*\tC d.", TableFormat::kTsv, {"sentence", "label"}, positions).rows,
      (Rows{{"A b.", "1"}, {"C d.", "0"}}));
  EXPECT_EQ(read("index\tsentence\n0\tA b.", TableFormat::kTsv, {"sentence"}, positions).rows,
            (Rows{{"A b."}}))
      << "a header all the same";
}

TEST(Table, UnevenRowsAreSkippedWhereAskedFor) {
  const auto all = read("a\tb\n1\n2\t3\n4\t5\t6\n7\t8", TableFormat::kTsv, {"a"}, {}, UnevenRows::kSkip);
  EXPECT_EQ(all.rows, (Rows{{"2"}, {"7"}}));
  EXPECT_EQ(all.skipped, 2u);
}

TEST(Table, TheFormatIsInTheName) {
  EXPECT_EQ(table_format("x/train.tsv"), TableFormat::kTsv);
  EXPECT_EQ(table_format("train.tsv.gz"), TableFormat::kTsv);
  EXPECT_EQ(table_format("a.csv.zst"), TableFormat::kCsv);
  EXPECT_EQ(table_format("a.b.jsonl"), TableFormat::kJsonLines);
  expect_user_error([] { table_format("train.txt"); }, {"train.txt", ".tsv, .csv or .jsonl"});
  expect_user_error([] { table_format("tsv"); }, {"tsv"});
}

TEST(Table, Mistakes) {
  const auto tsv = [](std::string_view text) { return [text] { read(text, TableFormat::kTsv, {"text"}); }; };
  const auto csv = [](std::string_view text) { return [text] { read(text, TableFormat::kCsv, {"text"}); }; };
  const auto json = [](std::string_view text) {
    return [text] { read(text, TableFormat::kJsonLines, {"text"}); };
  };
  expect_user_error(tsv(""), {"f: the file is empty"});
  expect_user_error(tsv("txt\tlabel\n"), {"f: line 1: there is no column \"text\"", "did you mean txt?"});
  expect_user_error(tsv("\n\nquestion\tanswer\n"), {"f: line 3", "known: question, answer"});
  expect_user_error(tsv("text\ttext\n"), {"the column \"text\" is there twice"});
  expect_user_error(tsv("text\tb\n1\t2\n1\n"), {"f: line 3: the row has 1 columns, expected 2", "tabs"});
  expect_user_error(tsv("text\n1\t2\n"), {"f: line 2: the row has 2 columns, expected 1"});
  expect_user_error(csv("text,b\n1,2,3\n"), {"f: line 2: the row has 3 columns, expected 2", "quotes"});
  expect_user_error(csv("text\n5\" tall\n"), {"f: line 2: a quotation mark inside the field \"5\" tall\""});
  expect_user_error(csv("text\n\"a\" b\n"), {"f: line 2: \" b\" behind a closing quotation mark"});
  expect_user_error(csv("text\nx\n\"a\nb\nc\n"), {"f: line 3: a quotation mark is never closed"});
  expect_user_error(json("{\"text\": \"a\"}\n{\"text\": }\n"),
                    {"f: line 2", "not valid JSON", "one JSON object a line"});
  expect_user_error(json("[1]\n"), {"f: line 1: found array, expected a JSON object"});
  expect_user_error(json("{\"txt\": \"a\"}\n"),
                    {"f: line 1: there is no column \"text\"", "did you mean txt?"});
  expect_user_error(json("{}\n"), {"f: line 1: there is no column \"text\""});
  expect_user_error(json("{\"text\": null}\n"), {"f: line 1: text: found null, expected a string"});
  expect_user_error(json("{\"text\": [\"a\"]}\n"), {"text: found [\"a\"]"});
  expect_user_error(json("{\"text\": \"a\", \"text\": \"b\"}\n"), {"duplicate key \"text\""});
}

}  // namespace
}  // namespace espalier
