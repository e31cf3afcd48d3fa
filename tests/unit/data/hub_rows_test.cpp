// Rows with the keys that data sets of the hub have: the same items as from the harness's keys.
#include <gtest/gtest.h>

#include "data/choice_task.h"
#include "data/task_split.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

ChoiceItem item(const char* task, const char* row) {
  JsonObject object(nlohmann::json::parse(row), "row");
  return find_choice_task(task)->item(object);
}

void expect_same(const char* task, const char* hub, const char* harness) {
  SCOPED_TRACE(hub);
  const ChoiceItem found = item(task, hub), expected = item(task, harness);
  EXPECT_EQ(found.contexts, expected.contexts);
  EXPECT_EQ(found.continuations, expected.continuations);
  EXPECT_EQ(found.gold, expected.gold);
}

TEST(HubRows, AreTheItemsOfTheHarness) {
  expect_same(
      "mmlu",
      R"({"question": "Q?", "subject": "high_school_physics", "choices": ["a", "b", "c"], "answer": 2})",
      R"({"question": "Q?", "subject": "high_school_physics", "choices": ["a", "b", "c"], "gold": 2})");
  expect_same("mmlu", R"({"question": "Q?", "subject": "s", "choices": ["a", "b", "c"], "answer": "C"})",
              R"({"question": "Q?", "subject": "s", "choices": ["a", "b", "c"], "gold": 2})");
  const char* arc = R"({"question": "Q?", "choices": ["x", "y", "z"], "gold": 1})";
  expect_same("arc_challenge",
              R"({"id": "1", "question": "Q?", "choices": {"text": ["x", "y", "z"], "label": ["1", "2", "3"]},
                  "answerKey": "2"})",
              arc);
  expect_same("arc_easy",
              R"({"id": "1", "question": {"stem": "Q?", "choices": [{"text": "x", "label": "A"},
                  {"text": "y", "label": "B"}, {"text": "z", "label": "C"}]}, "answerKey": "B"})",
              arc);
  expect_same("openbookqa",
              R"({"id": "7", "question_stem": "Sun", "choices": {"text": ["x", "y"], "label": ["A", "B"]},
                  "answerKey": "A"})",
              R"({"question": "Sun", "choices": ["x", "y"], "gold": 0})");
  const char* rte = R"({"sentence1": "A", "sentence2": "B", "label": "not_entailment"})";
  expect_same("rte", R"({"sentence1": "A", "sentence2": "B", "label": 1, "idx": 0})", rte);
  expect_same("rte", R"({"premise": "A", "hypothesis": "B", "label": 1, "idx": 0})", rte);
  expect_same("boolq", R"({"passage": "P", "question": "is it", "label": 1, "idx": 0})",
              R"({"passage": "P", "question": "is it", "answer": true})");
  expect_same("winogrande", R"({"sentence": "_ x", "option1": "a", "option2": "b", "answer": 2})",
              R"({"sentence": "_ x", "option1": "a", "option2": "b", "answer": "2"})");
  expect_same("piqa", R"({"goal": "g", "sol1": "x", "sol2": "y", "label": "1"})",
              R"({"goal": "g", "sol1": "x", "sol2": "y", "label": 1})");
}

TEST(HubRows, HellaswagTakesTheWholeContextWhereItsHalvesAreAbsent) {
  const ChoiceItem row =
      item("hellaswag",
           R"({"activity_label": "Roof", "ctx": "A man sits. he", "endings": ["a", "b"], "label": 1})");
  EXPECT_EQ(row.contexts.front(), "Roof: A man sits. he");
  EXPECT_EQ(row.gold, 1U);
}

TEST(HubRows, MistakesNameTheKeysThere) {
  expect_user_error([] { item("mmlu", R"({"question": "Q", "subject": "s", "choices": ["a", "b"]})"); },
                    {"the field gold is missing", R"(its fields are "choices", "question", "subject")"});
  expect_user_error([] { item("piqa", R"({"goal": "g", "sol1": "x", "sol2": "y", "label": -1})"); },
                    {"label: found -1, expected an answer's number from 0 to 1", "validation split"});
  expect_user_error(
      [] {
        item("arc_easy",
             R"({"question": "Q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": ""})");
      },
      {"answerKey: found nothing, expected one of A, B", "validation split"});
  expect_user_error(
      [] {
        item("arc_easy",
             R"({"question": "Q", "choices": {"text": ["x", "y"], "label": ["A"]}, "answerKey": "A"})");
      },
      {"2 texts and 1 labels"});
}

TaskSplit parse(const char* task, const char* text) {
  return parse_task_table(find_task(task), lines_of(text), TableFormat::kJsonLines, "f");
}

TEST(HubRows, TasksOfGlueReadTheHubsColumns) {
  const auto mrpc = parse("mrpc", R"({"sentence1": "a", "sentence2": "b", "label": 1, "idx": 0})");
  EXPECT_EQ(mrpc.examples[0].first, "a");
  EXPECT_EQ(mrpc.examples[0].second, "b");
  EXPECT_EQ(mrpc.examples[0].label, 1);
  EXPECT_EQ(parse("rte", R"({"sentence1": "a", "sentence2": "b", "label": 1})").examples[0].label, 1);
  EXPECT_EQ(parse("mnli", R"({"premise": "a", "hypothesis": "b", "label": 2})").examples[0].label, 2);
  EXPECT_EQ(parse("stsb", R"({"sentence1": "a", "sentence2": "b", "label": 3.5})").examples[0].value, 3.5);
  EXPECT_EQ(parse("qqp", R"({"question1": "a", "question2": "b", "label": 1})").examples[0].label, 1);
  expect_user_error([] { parse("rte", R"({"sentence1": "a", "sentence2": "b", "label": -1})"); },
                    {"f: line 1", "validation split"});
}

TaskSplit parse_csv(const char* text) {
  return parse_task_table(table_task({}), lines_of(text), TableFormat::kCsv, "f");
}

TEST(Labels, NoneAndNearlyTheSameAreErrorsWithTheLine) {
  const std::vector<std::pair<const char*, std::vector<std::string>>> cases{
      {"text,label\nfine,pos\nbad,\nugly,neg\n", {"f: line 3: the column \"label\" holds \"\""}},
      {"text,label\nfine,pos\nbad,  \nugly,neg\n", {"f: line 3", "holds \"\""}},
      {"text,label\nfine,pos\nbad, neg\nugly,neg\n", {"f: line 3", "\" neg\"", "blanks"}},
      {"text,label\nfine,pos\nbad,neg\t\n", {"f: line 3", "blanks"}},
      {"text,label\nfine,pos\nodd,nan\n", {"f: line 3", "\"nan\"", "pandas"}}};
  for (const auto& [text, fragments] : cases) {
    SCOPED_TRACE(text);
    expect_user_error([&, &rows = text] { parse_csv(rows); }, fragments);
  }
  expect_user_error(
      [] {
        parse_task_table(table_task({}), lines_of("{\"text\": \"a\", \"label\": null}"),
                         TableFormat::kJsonLines, "f");
      },
      {"f: line 1: label: found null", "leave it out"});
  EXPECT_EQ(parse_csv("text,label\na,none\nb,0\n").task.labels, (std::vector<std::string>{"0", "none"}));
}

TEST(Tables, AnAbsentColumnNamesThoseThere) {
  expect_user_error([] { parse_csv("sentence,category\na,b\n"); },
                    {"there is no column \"text\", the columns are sentence, category"});
  expect_user_error([] { parse_csv("<!DOCTYPE html>\n<html>\n"); }, {"f: is an HTML page"});
}

}  // namespace
}  // namespace espalier
