#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/small_finetuning.h"

namespace espalier {
namespace {

using testing::HasSubstr;

class Predict : public testing::Test {
 protected:
  Predict() {
    const auto run = run_program(small_.command("run", {"--steps", "150"}));
    EXPECT_EQ(run.exit_code, 0) << run.err;
  }
  SmallFinetuning small_;
};

TEST_F(Predict, LabelsEachLine) {
  const auto lines = small_.folder.write("lines.txt", "w1 w1 w1 w1\nw5 w6 w7\n");
  const auto run = run_program({"predict", small_.path("run/model"), lines});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, testing::MatchesRegex("yes\t[01]\\.[0-9]+\nno\t[01]\\.[0-9]+\n"));
}

TEST_F(Predict, GivesEveryLabelItsProbabilityInTheOrderOfTheLines) {
  std::string texts;
  for (int words = 20; words > 0; --words) {
    for (int i = 0; i < words; ++i) texts += words % 2 == 0 ? "w1 " : "w5 ";
    texts += "\n";
  }
  const auto run = run_program(
      {"predict", small_.path("run/model"), small_.folder.write("long-first.txt", texts), "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  std::istringstream lines(run.out);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto answer = nlohmann::json::parse(line);
    EXPECT_EQ(answer["label"], count % 2 == 0 ? "yes" : "no") << count;
    const double yes = answer["probabilities"]["yes"], no = answer["probabilities"]["no"];
    EXPECT_NEAR(yes + no, 1, 1e-5);
    EXPECT_EQ(answer["probability"], std::max(yes, no));
  }
  EXPECT_EQ(count, 20u);
}

TEST_F(Predict, AgreesWithEval) {
  std::string texts, gold;
  const auto rows = SmallFinetuning::rows_of(100, 2);
  for (std::size_t begin = rows.find('\n') + 1; begin < rows.size();) {
    const auto end = rows.find('\n', begin), tab = rows.find('\t', begin);
    texts += rows.substr(begin, tab - begin) + "\n";
    gold += rows.substr(tab + 1, end - tab);
    begin = end + 1;
  }
  const auto run =
      run_program({"predict", small_.path("run/model"), small_.folder.write("t.txt", texts), "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  std::istringstream predictions(run.out), labels(gold);
  int correct = 0;
  for (std::string prediction, label; std::getline(predictions, prediction) && std::getline(labels, label);)
    correct += prediction.find("\"label\":\"" + label + "\"") != std::string::npos ? 1 : 0;
  const auto eval = run_program({"eval", small_.path("run/model"), "--task", "table", "--data",
                                 small_.path("task"), "--text-column", "sentence"});
  ASSERT_EQ(eval.exit_code, 0) << eval.err;
  EXPECT_THAT(eval.out, HasSubstr("accuracy " + std::to_string(correct) + ".00"));
  EXPECT_THAT(eval.out, HasSubstr("largest_class"));
}

TEST_F(Predict, RefusesModelsAndFilesThatCannotBePredicted) {
  const auto lines = small_.folder.write("mixed.txt", "w1\tw2\nw3\n");
  const auto mixed = run_program({"predict", small_.path("run/model"), lines});
  EXPECT_EQ(mixed.exit_code, 2);
  EXPECT_THAT(mixed.err, HasSubstr("mixed.txt:2: some lines have a tab"));
  const auto headless = run_program({"predict", small_.path("pretrained/model"), lines});
  EXPECT_EQ(headless.exit_code, 2);
  EXPECT_THAT(headless.err, HasSubstr("no classification head"));
  const auto empty = run_program({"predict", small_.path("run/model")});
  EXPECT_EQ(empty.exit_code, 2);
  EXPECT_THAT(empty.err, HasSubstr("no lines"));
}

}  // namespace
}  // namespace espalier
