// The wording of the LM evaluation harness, task by task, and what is measured.
#include "data/choice_task.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "data/choice_wording.h"
#include "paths.h"
#include "small_tokenizers.h"
#include "temporary_folder.h"
#include "text/tokenizer_json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using Strings = std::vector<std::string>;

ChoiceItem item(const char* task, const char* row) {
  JsonObject object(nlohmann::json::parse(row), "row");
  return find_choice_task(task)->item(object);
}

void expect_item(const ChoiceItem& item, const Strings& contexts, const Strings& continuations,
                 std::size_t gold) {
  EXPECT_EQ(item.contexts, contexts);
  EXPECT_EQ(item.continuations, continuations);
  EXPECT_EQ(item.gold, gold);
}

Strings twice(const std::string& text) {
  return {text, text};
}

TEST(ChoiceTask, Wording) {
  expect_item(item("boolq", R"({"passage": "P.", "question": "is it", "answer": true})"),
              twice("P.\nQuestion: is it?\nAnswer:"), {" no", " yes"}, 1);
  expect_item(item("boolq", R"({"passage": "P", "question": "q", "answer": 0})"),
              twice("P\nQuestion: q?\nAnswer:"), {" no", " yes"}, 0);
  expect_item(item("openbookqa", R"({"question": "A stem", "choices": ["x", "y z"], "gold": 1})"),
              twice("A stem"), {" x", " y z"}, 1);
  expect_item(item("arc_easy", R"({"question": "Why?", "choices": ["x", "y"], "gold": 0})"),
              twice("Question: Why?\nAnswer:"), {" x", " y"}, 0);
  expect_item(item("piqa", R"({"goal": "g", "sol1": "x", "sol2": "y", "label": 1})"),
              twice("Question: g\nAnswer:"), {" x", " y"}, 1);
  expect_item(item("rte", R"({"sentence1": "S.", "sentence2": "H.", "label": "not_entailment"})"),
              twice("S.\nQuestion: H. True or False?\nAnswer:"), {" True", " False"}, 1);
  expect_item(item("winogrande",
                   R"({"sentence": "So _ got it.", "option1": "Sarah", "option2": "Maria", "answer": "2"})"),
              {"So Sarah", "So Maria"}, {" got it.", " got it."}, 1);
}

TEST(ChoiceTask, MmluShowsTheAnswersAndScoresLetters) {
  const auto mmlu = item(
      "mmlu",
      R"({"subject": "high_school_biology", "question": " Q? ", "choices": ["a", "b", "c"], "gold": 2})");
  const std::string context =
      "The following are multiple choice questions (with answers) about high school biology.\n\n"
      "Q?\nA. a\nB. b\nC. c\nAnswer:";
  expect_item(mmlu, {context, context, context}, {" A", " B", " C"}, 2);
}

TEST(ChoiceTask, HellaswagIsCleaned) {
  EXPECT_EQ(hellaswag_text(" How to [title] Do it [step] now.  End   x "), "How to. Do it now. End  x");
  EXPECT_EQ(hellaswag_text("a [b\nc] d"), "a [b\nc] d");
  const char* published = R"({"activity_label": "Roof", "ctx_a": "A man sits.", "ctx_b": "he IS", "endings":
      ["a  b.", "c [x]d."], "label": "1"})";
  expect_item(item("hellaswag", published), twice("Roof: A man sits. He is"), {" a b.", " c d."}, 1);
  expect_item(item("hellaswag", R"({"query": "R: x [step] y", "choices": ["a", "b"], "gold": 0})"),
              twice("R: x y"), {" a", " b"}, 0);
}

TEST(ChoiceTask, LengthsAreCharacters) {
  EXPECT_EQ(item("arc_easy", R"({"question": "q", "choices": ["\u00e9\u4e2d", "abc"], "gold": 0})").lengths,
            (std::vector<std::size_t>{2, 3}));
}

TEST(ChoiceTask, RowsThatAreNoItems) {
  const std::pair<const char*, const char*> cases[] = {
      {"arc_easy", R"({"question": "q", "choices": ["a", "b"], "gold": 2})"},
      {"arc_easy", R"({"question": "q", "choices": ["a"], "gold": 0})"},
      {"arc_easy", R"({"choices": ["a", "b"], "gold": 0})"},
      {"winogrande", R"({"sentence": "x", "option1": "a", "option2": "b", "answer": "1"})"},
      {"winogrande", R"({"sentence": "_", "option1": "a", "option2": "b", "answer": "3"})"},
      {"rte", R"({"sentence1": "a", "sentence2": "b", "label": "maybe"})"},
      {"hellaswag",
       R"({"activity_label": "", "ctx_a": "", "ctx_b": "", "endings": ["a", "b"], "label": "7"})"}};
  for (const auto& [task, row] : cases) {
    SCOPED_TRACE(row);
    fixtures::expect_user_error([&] { item(task, row); }, {"row"});
  }
}

std::unique_ptr<Tokenizer> small_tokenizer() {
  return make_json_tokenizer(fixtures::byte_level_json().dump(), "t", {.eos_token = "<|end|>"});
}

TEST(EncodeChoice, ContextAndContinuationAreOneText) {
  const auto tokenizer = small_tokenizer();
  const auto plain = encode_choice(*tokenizer, "bc", " ab", 100);
  EXPECT_EQ(plain.ids, (std::vector<std::int64_t>{'b', 'c', ' ', 256}));
  EXPECT_EQ(plain.scored, 2);
  const auto spaced = encode_choice(*tokenizer, "bc ", "ab", 100);  // the space goes to the continuation
  EXPECT_EQ(spaced.ids, plain.ids);
  EXPECT_EQ(spaced.scored, 2);
}

TEST(EncodeChoice, CutsAtTheLeftAndNeedsSomethingBefore) {
  const auto tokenizer = small_tokenizer();
  const auto cut = encode_choice(*tokenizer, "xyz", " q", 2);
  EXPECT_EQ(cut.ids, (std::vector<std::int64_t>{'z', ' ', 'q'}));
  EXPECT_EQ(cut.scored, 2);
  const auto alone = encode_choice(*tokenizer, "", "q", 100);
  EXPECT_EQ(alone.ids, (std::vector<std::int64_t>{259, 'q'}));
  EXPECT_EQ(alone.scored, 1);
}

TEST(ChoiceMetrics, AccuracyPlainAndByLength) {
  const ChoiceTask& task = *find_choice_task("piqa");
  ChoiceItem question;
  question.lengths = {1, 4};
  question.gold = 1;
  const std::vector<ChoiceItem> items(4, question);
  const std::vector<std::vector<double>> scores = {{-1, -3}, {-3, -1}, {-1, -5}, {-2, -2}};
  const auto metrics = choice_metrics(task, items, scores);
  EXPECT_DOUBLE_EQ(metrics.at("accuracy"), 0.25);  // the tie goes to the first
  EXPECT_DOUBLE_EQ(metrics.at("accuracy_norm"), 0.75);
  EXPECT_DOUBLE_EQ(metrics.at("accuracy_stderr"), std::sqrt(0.25 * 0.75 / 3));
  EXPECT_FALSE(choice_metrics(*find_choice_task("boolq"), items, scores).contains("accuracy_norm"));
}

TEST(ChoiceFiles, AreFoundAndRead) {
  const TemporaryFolder folder;
  folder.write("winogrande_xl/val.jsonl",
               R"({"sentence": "_ x", "option1": "a", "option2": "b", "answer": "1"})"
               "\n\n");
  folder.write("RTE/dev.tsv", "index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tentailment\n");
  const TaskFiles data{.folder = folder.path()};
  const auto& winogrande = *find_choice_task("winogrande");
  EXPECT_EQ(read_choice_items(winogrande, find_choice_file(winogrande, data, winogrande.split)).size(), 1u);
  const auto& rte = *find_choice_task("rte");
  EXPECT_EQ(read_choice_items(rte, find_choice_file(rte, data, "dev")).at(0).contexts.at(0),
            "A.\nQuestion: B. True or False?\nAnswer:");
  fixtures::expect_user_error([&] { find_choice_file(winogrande, data, "test"); },
                              {"winogrande", "split test"});
  fixtures::expect_user_error([&] { find_choice_file(winogrande, {}, "dev"); }, {"--data is missing"});
  const std::string bad = folder.write("bad.jsonl", "{}\n");
  fixtures::expect_user_error([&] { read_choice_items(winogrande, bad); }, {"bad.jsonl: line 1", "sentence"});
}

// The published files, where the data folder has them.
TEST(ChoiceFiles, HaveThePublishedItems) {
  const char* named = std::getenv("ESPALIER_SHARED_DATA");
  const std::filesystem::path data = named ? named : source_dir() + "/../shared/data";
  if (!std::filesystem::exists(data / "eval")) {
    GTEST_SKIP() << data / "eval"
                 << " is not there; set ESPALIER_SHARED_DATA to run this test";
  }
  const std::map<std::string, std::size_t> counts = {
      {"boolq", 3270},         {"openbookqa", 500}, {"arc_easy", 2376},
      {"arc_challenge", 1172}, {"piqa", 1838},      {"winogrande", 1267},
      {"hellaswag", 2000},     {"mmlu", 14042},     {"rte", 277}};
  for (const ChoiceTask& task : choice_tasks()) {
    const TaskFiles files{.folder = data / (task.name == "rte" ? "glue" : "eval")};
    EXPECT_EQ(read_choice_items(task, find_choice_file(task, files, task.split)).size(), counts.at(task.name))
        << task.name;
  }
}

}  // namespace
}  // namespace espalier
