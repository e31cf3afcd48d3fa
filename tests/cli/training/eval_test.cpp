#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "artifacts/eval_result.h"
#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kGolden = source_dir() + "/tests/golden/";
constexpr const char* kWords[] = {"red", "green", "blue", "white", "black", "gray", "pink"};
constexpr double kPrinted = 1e-6;  // JSON carries the digits of a float32 sum

/// A model that `pretrain` left after two steps, and held-out text.
class EvalVerb : public testing::Test {
 protected:
  void SetUp() override {
    std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    for (const char* word : kWords) vocabulary += std::string(word) + '\n';
    nlohmann::json config = nlohmann::json::parse(file_content(kGolden + "bert/config.json"));
    config["vocab_size"] = 5 + std::size(kWords);
    std::string text, held_out;
    for (int i = 0; i < 60; ++i) {
      for (int j = 0; j < 9; ++j) (i < 40 ? text : held_out) += std::string(kWords[(i * i + j) % 7]) + ' ';
      (i < 40 ? text : held_out) += "\n\n";
    }
    held_out_ = folder_.write("held_out.txt", held_out);
    const ProgramRun run = run_program(
        {"pretrain", folder_.write("config.json", config.dump()), "--text", folder_.write("a.txt", text),
         "--vocab", folder_.write("vocab.txt", vocabulary), "--valid-text", held_out_, "--steps", "2",
         "--seq-len", "32", "--batch-tokens", "256", "--out", (folder_ / "run").string(), "--json"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    validation_loss_ = nlohmann::json::parse(run.out).at("validation_loss");
    model_ = (folder_ / "run/model").string();
  }

  ProgramRun eval(std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"eval",      model_, "--task",         "mlm", "--data", held_out_,
                                          "--seq-len", "32",   "--batch-tokens", "256"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }

  TemporaryFolder folder_;
  std::string held_out_, model_;
  double validation_loss_ = 0;
};

TEST_F(EvalVerb, FindsTheLossThatTrainingFound) {
  const std::string out = (folder_ / "eval.json").string();
  const ProgramRun run = eval({"--json", "--out", out});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, file_content(out));
  const EvalResult result = read_eval_result(out);
  EXPECT_EQ(result.task, "mlm");
  EXPECT_EQ(result.split, "dev");
  EXPECT_EQ(result.examples, 20);  // one of nine pieces, in each of twenty documents
  EXPECT_NEAR(result.metrics.at("loss"), validation_loss_, kPrinted);
  EXPECT_GE(result.metrics.at("accuracy"), 0.0);
  EXPECT_LE(result.metrics.at("accuracy"), 1.0);
}

TEST_F(EvalVerb, MasksTheSamePiecesInEveryRun) {
  const ProgramRun first = eval({"--seed", "1"}), second = eval({"--seed", "2"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(first.out, second.out);
  EXPECT_THAT(first.out, HasSubstr("of 20 masked pieces"));
  EXPECT_THAT(eval({"--tokens", "1"}).out, HasSubstr("masked pieces in "));
}

TEST_F(EvalVerb, ShowsExamples) {
  const ProgramRun run = eval({"--examples", "2"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '%'), 1 + 2 * 3);
  EXPECT_THAT(run.out, HasSubstr("[MASK]"));
  EXPECT_THAT(run.out, HasSubstr("the model says "));
}

TEST_F(EvalVerb, BadInputIsAUserError) {
  const std::string other = folder_.write("other.txt", "[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
  const std::string empty = folder_.write("empty.txt", "\n");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"eval", model_, "--task", "sst3", "--data", held_out_}, "sst3"},
      {{"eval", model_, "--task", "mlm"}, "--data"},
      {{"eval", model_, "--task", "mlm", "--data", "/nonexistent", "--seq-len", "32"}, "/nonexistent"},
      {{"eval", model_, "--task", "mlm", "--data", empty, "--seq-len", "32"}, "empty"},
      {{"eval", model_, "--task", "mlm", "--data", held_out_, "--seq-len", "65"}, "--seq-len 65"},
      {{"eval", model_, "--task", "mlm", "--data", held_out_, "--seq-len", "32", "--vocab", other},
       "5 pieces"},
      {{"eval", kGolden + "bert", "--task", "mlm", "--data", held_out_}, "vocab.txt"},
      {{"eval", kGolden + "bert", "--task", "mlm", "--data", held_out_, "--vocab", other}, "head"},
  };
  for (const auto& [arguments, error] : cases) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    const ProgramRun run = run_program(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr(error));
  }
  EXPECT_EQ(run_program({"eval"}).exit_code, 2);
}

}  // namespace
}  // namespace espalier
