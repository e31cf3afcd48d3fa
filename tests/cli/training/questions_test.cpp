// Questions about texts, as a user trains, measures and asks them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/small_finetuning.h"

namespace espalier {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Contexts of 30 words, of which one is w1 or there is none; the answer is the word behind it.
std::string questions(int count, int seed) {
  json paragraphs = json::array();
  for (int i = 0; i < count; ++i) {
    std::string context, answer;
    std::size_t begin = 0;
    const int place = i % 3 == 0 ? -1 : 3 + (i * 7 + seed) % 20;
    for (int w = 0; w < 30; ++w) {
      const std::string word = w == place ? "w1" : "w" + std::to_string(5 + (i * 11 + w * (seed + 3)) % 30);
      if (place >= 0 && w == place + 1) {
        answer = word;
        begin = context.size();
      }
      context += word + " ";
    }
    json qa{{"id", std::to_string(i)},
            {"question", "w2"},
            {"is_impossible", answer.empty()},
            {"answers", json::array()}};
    if (!answer.empty()) qa["answers"].push_back({{"text", answer}, {"answer_start", begin}});
    paragraphs.push_back({{"context", context}, {"qas", {qa}}});
  }
  return json{{"version", "v2.0"}, {"data", {{{"title", "T"}, {"paragraphs", paragraphs}}}}}.dump();
}

class QuestionTask : public testing::Test {
 protected:
  QuestionTask() {
    small_.folder.write("train.json", questions(240, 1));
    small_.folder.write("dev.json", questions(30, 2));
  }
  std::vector<std::string> data() const {
    return {"--data", "train=" + small_.path("train.json"), "dev=" + small_.path("dev.json")};
  }
  ProgramRun run(std::vector<std::string> words) const {
    for (const auto& word : data()) words.push_back(word);
    return run_program(words);
  }
  ProgramRun train(const std::string& out, const std::string& prune) const {
    return run({"finetune",        small_.path("pretrained/model"),
                "--task",          "squad2",
                "--seq-len",       "24",
                "--batch",         "16",
                "--steps",         "120",
                "--learning-rate", "3e-3",
                "--dropout",       "0",
                "--prune",         prune,
                "--threads",       "1",
                "--out",           small_.path(out)});
  }

  SmallFinetuning small_;
};

TEST_F(QuestionTask, IsLearntPrunedMeasuredAndAsked) {
  const auto trained = train("run", "eager");
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto eval = json::parse(file_content(small_.path("run/eval.json")));
  EXPECT_EQ(eval["task"], "squad2");
  EXPECT_GT(eval["metrics"]["f1"], eval["baselines"]["no_answer"]["f1"]) << "windows of 24 of 30 words";
  const auto again = run({"eval", small_.path("run/model"), "--task", "squad2", "--seq-len", "24", "--json"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(json::parse(again.out)["metrics"]["f1"], eval["metrics"]["f1"]);
  const auto asked = run_program(
      {"predict", small_.path("run/model"), small_.folder.write("q.txt", "w2\tw9 w1 w7 w8\n"), "--json"});
  ASSERT_EQ(asked.exit_code, 0) << asked.err;
  EXPECT_TRUE(json::parse(asked.out).contains("answer"));
  const auto alone =
      run_program({"predict", small_.path("run/model"), small_.folder.write("no.txt", "w2\n")});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.err, HasSubstr("a question, a tab, and the text"));
}

TEST_F(QuestionTask, MeasuresAnswersInTheModelsPlace) {
  json answers;
  const auto all = json::parse(questions(30, 2));
  for (const auto& paragraph : all["data"][0]["paragraphs"]) {
    const auto& qa = paragraph["qas"][0];
    answers[std::string(qa["id"])] = qa["answers"].empty() ? "" : qa["answers"][0]["text"];
  }
  const auto right = run({"eval", small_.folder.write("right.json", answers.dump()), "--task", "squad2"});
  EXPECT_EQ(right.exit_code, 0) << right.err;
  EXPECT_THAT(right.out, HasSubstr("f1 100.00, answerable"));
  answers["99"] = "";
  const auto other = run({"eval", small_.folder.write("other.json", answers.dump()), "--task", "squad2"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("other.json: 99 is no question of this data"));
}

TEST_F(QuestionTask, RefusesAnswersOutsideTheirContextAndModelsOfOtherTasks) {
  const auto masked = run({"eval", small_.path("pretrained/model"), "--task", "squad2"});
  EXPECT_EQ(masked.exit_code, 2);
  EXPECT_THAT(masked.err, HasSubstr("the model marks no answers"));
  auto text = questions(30, 1);
  text.replace(text.find("\"answer_start\":"), 15, "\"answer_start\":9");
  small_.folder.write("train.json", text);
  const auto outside = train("bad", "none");
  EXPECT_EQ(outside.exit_code, 2);
  EXPECT_THAT(outside.err, HasSubstr("is not in its context at 9"));
  EXPECT_FALSE(std::filesystem::exists(small_.path("bad")));
}

}  // namespace
}  // namespace espalier
