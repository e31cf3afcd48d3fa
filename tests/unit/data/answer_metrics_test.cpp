#include "data/questions/answer_metrics.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "data/text_file.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

TEST(AnswerMetrics, NormaliseAsTheOfficialScript) {
  EXPECT_EQ(normalized_answer("  The  Cat, an' a hat! "), "cat hat");
  EXPECT_EQ(normalized_answer("Theatre an-other"), "theatre another") << "articles are whole words";
  EXPECT_EQ(normalized_answer("\xC3\x89"
                              "cole, the a"),
            "\xC3\xA9"
            "cole");
  EXPECT_EQ(normalized_answer("a\xE2\x80\x93"
                              "b"),
            "\xE2\x80\x93"
            "b")
      << "a dash that is not ASCII's stays";
  EXPECT_EQ(normalized_answer("U.S."), "us");
  EXPECT_EQ(normalized_answer("The"), "");
}

TEST(AnswerMetrics, CountWords) {
  EXPECT_EQ(exact_match("the Rhine", "Rhine."), 1);
  EXPECT_EQ(exact_match("Rhine river", "Rhine"), 0);
  EXPECT_DOUBLE_EQ(word_f1("Rhine river", "the Rhine"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(word_f1("b b c", "b d"), 2.0 / 5) << "a word counts as often as both have it";
  EXPECT_EQ(word_f1("", ""), 1);
  EXPECT_EQ(word_f1("", "x"), 0);
  EXPECT_EQ(word_f1("the", ""), 1);
}

constexpr const char* kArticle =
    R"({"data": [{"title": "T", "paragraphs": [{"context": "Caf\u00e9 in Basel, 1912.",
  "qas": [{"id": "a", "question": "Where?", "is_impossible": false,
           "answers": [{"text": "Basel", "answer_start": 8}, {"text": "in Basel", "answer_start": 5}]},
          {"id": "b", "question": "Who?", "is_impossible": true, "answers": []}]}]}]})";

TEST(AnswerMetrics, TakeTheBestAnswerOfEachQuestion) {
  const auto questions = parse_questions(kArticle, "f");
  const auto metrics = answer_metrics(questions, {{"a", "in Basel 1912"}, {"b", ""}}, "p");
  EXPECT_DOUBLE_EQ(metrics.at("f1"), (0.8 + 1) / 2);
  EXPECT_DOUBLE_EQ(metrics.at("exact"), 0.5);
  EXPECT_DOUBLE_EQ(metrics.at("answerable_f1"), 0.8);
  EXPECT_DOUBLE_EQ(metrics.at("unanswerable_exact"), 1);
}

TEST(AnswerMetrics, RefusePredictionsOfOtherQuestions) {
  const auto questions = parse_questions(kArticle, "f");
  expect_user_error(
      [&] {
        answer_metrics(questions, {{"a", "x"}}, "p.json");
      },
      {"p.json: there is no answer to question b"});
  expect_user_error(
      [&] {
        answer_metrics(questions, {{"a", "x"}, {"b", ""}, {"c", ""}}, "p.json");
      },
      {"p.json: c is no question of this data"});
  expect_user_error([] { parse_predictions("[1]", "p.json"); }, {"p.json"});
  expect_user_error([] { parse_predictions("{\"a\": 1}", "p.json"); }, {"p.json: a"});
}

TEST(Articles, HaveTheirAnswersWhereTheySay) {
  const auto questions = parse_questions(kArticle, "f");
  EXPECT_EQ(questions.questions[0].answers[0].begin, 9u) << "bytes, of characters counted from 0";
  const auto with = [](const std::string& old, const std::string& now) {
    std::string text = kArticle;
    text.replace(text.find(old), old.size(), now);
    return [text] { parse_questions(text, "f.json"); };
  };
  expect_user_error(with("\"answer_start\": 8", "\"answer_start\": 9"),
                    {"f.json: data[0].paragraphs[0].qas[0].answers[0].answer_start",
                     "\"Basel\" is not in its context at 9"});
  expect_user_error(with("\"answer_start\": 8", "\"answer_start\": 900"), {"is not in its context at 900"});
  expect_user_error(with("\"id\": \"b\"", "\"id\": \"a\""), {"a is there twice"});
  expect_user_error([] { parse_questions("{\"data\": []}", "f.json"); }, {"there are no questions"});
}

/// The published predictions of BERT, which CI has not: ESPALIER_SHARED_DATA names the folder that has qa/.
class PublishedPredictions : public testing::Test {
 protected:
  Metrics measured(const std::string& version) const {
    const std::filesystem::path folder =
        std::filesystem::path(std::getenv("ESPALIER_SHARED_DATA")) / "qa/squad";
    const auto questions = parse_questions(read_text(folder / ("dev-" + version + ".json.gz")), "dev");
    const auto file = folder / ("bert-predictions-dev-" + version + ".json.gz");
    return answer_metrics(questions, parse_predictions(read_text(file), file.string()), file.string());
  }
  void SetUp() override {
    if (std::getenv("ESPALIER_SHARED_DATA") == nullptr)
      GTEST_SKIP() << "ESPALIER_SHARED_DATA does not name a folder with qa/squad";
  }
};

TEST_F(PublishedPredictions, HaveTheirPublishedScores) {
  const auto v2 = measured("v2.0"), v1 = measured("v1.1");
  EXPECT_NEAR(100 * v2.at("exact"), 78.7417, 5e-5);
  EXPECT_NEAR(100 * v2.at("f1"), 81.7753, 5e-5);
  EXPECT_NEAR(100 * v1.at("exact"), 86.2062, 5e-5);
  EXPECT_NEAR(100 * v1.at("f1"), 92.1956, 5e-5);
}

}  // namespace
}  // namespace espalier
