// Fine-tuning with pruning as a user runs it: what a run leaves, that experts really go, and that a run that
// was killed inside a window takes the same decisions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "artifacts/eval_result.h"
#include "artifacts/metrics.h"
#include "artifacts/plan.h"
#include "artifacts/run_manifest.h"
#include "artifacts/scores.h"
#include "checkpoint/checkpoint.h"
#include "cli/running_program.h"
#include "cli/small_finetuning.h"

namespace espalier {
namespace {

using testing::HasSubstr;

class Finetune : public testing::Test {
 protected:
  void run_whole(const std::string& out, const std::vector<std::string>& more = {}) {
    const auto run = run_program(small_.command(out, more));
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  std::string content(const std::string& file) const { return file_content(small_.path(file)); }
  bool exists(const std::string& file) const { return std::filesystem::exists(small_.path(file)); }
  Checkpoint model(const std::string& out) const { return Checkpoint::open(small_.path(out + "/model")); }

  SmallFinetuning small_;
};

TEST_F(Finetune, LearnsATaskAndKeepsAllExpertsUnlessAsked) {
  run_whole("run", {"--steps", "150"});
  const auto eval = read_eval_result(small_.path("run/eval.json"));
  EXPECT_EQ(eval.task, "table");
  EXPECT_EQ(eval.examples, 100);
  EXPECT_GT(eval.metrics.at("accuracy"), eval.baselines.at("largest_class").at("accuracy") + 0.1);
  EXPECT_TRUE(eval.baselines.contains("naive_bayes"));
  EXPECT_TRUE(model("run").contains("bert.encoder.layer.1.moe.experts.3.intermediate.dense.weight"));
  EXPECT_FALSE(model("run").contains("cls.predictions.bias")) << "the pre-training's head has no place here";
  EXPECT_FALSE(exists("run/plan-000.json"));
  EXPECT_TRUE(exists("run/model/vocab.txt"));
}

/// The vocabulary as a tokenizer.json, which is what fast tokenizers save.
std::string as_tokenizer_json(const std::string& vocabulary) {
  nlohmann::json pieces;
  std::istringstream lines(vocabulary);
  for (std::string piece; std::getline(lines, piece);) {
    const auto id = pieces.size();
    pieces[piece] = id;
  }
  return nlohmann::json{{"normalizer", {{"type", "BertNormalizer"}}},
                        {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                        {"model", {{"type", "WordPiece"}, {"vocab", pieces}}}}
      .dump();
}

TEST_F(Finetune, ATokenizerJsonTrainsAndPredictsAsAVocabulary) {
  run_whole("vocabulary", {"--steps", "2"});
  small_.folder.write("pretrained/model/tokenizer.json",
                      as_tokenizer_json(content("pretrained/model/vocab.txt")));
  std::filesystem::remove(small_.path("pretrained/model/vocab.txt"));
  run_whole("json", {"--steps", "2"});
  EXPECT_EQ(content("json/model/model.safetensors"), content("vocabulary/model/model.safetensors"));
  EXPECT_TRUE(exists("json/model/tokenizer.json"));
  const std::string texts = small_.folder.write("texts.txt", "w1 w2\nw3 w9 w4\n");
  const auto predicted = run_program({"predict", small_.path("json/model"), texts});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
  EXPECT_EQ(predicted.out, run_program({"predict", small_.path("vocabulary/model"), texts}).out);
  std::filesystem::remove(small_.path("pretrained/model/tokenizer.json"));
  const auto without = run_program(small_.command("none", {"--steps", "2"}));
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_THAT(without.err, testing::HasSubstr("no tokenizer.json, tokenizer.model or vocab.txt"));
  EXPECT_FALSE(exists("none"));
}

TEST_F(Finetune, EagerLeavesOneExpertPerLayerAfterHalfTheSteps) {
  run_whole("run", {"--prune", "eager", "--log-every", "1"});
  std::int64_t before_half = 0, after_half = 0;
  for (const auto& line : read_metrics(small_.path("run/metrics.jsonl"))) {
    for (const int layer : {0, 1}) {
      const auto survivors = line.survivors.at(layer);
      EXPECT_EQ(line.survivors_original.at(layer).size(), static_cast<std::size_t>(survivors));
      if (line.step <= 40) {
        EXPECT_GT(survivors, 1) << "step " << line.step;
        ++before_half;
      } else {
        EXPECT_EQ(survivors, 1) << "step " << line.step;
        ++after_half;
      }
    }
  }
  EXPECT_EQ(before_half, 80);
  EXPECT_EQ(after_half, 80);
  const auto config = model("run").config();
  EXPECT_EQ(config["model_type"], "bert");
  EXPECT_FALSE(config.contains("moe_layers"));
  EXPECT_EQ(config["architectures"][0], "BertForSequenceClassification");
  EXPECT_TRUE(model("run").contains("bert.encoder.layer.1.intermediate.dense.weight"));
  for (const auto name : model("run").names()) EXPECT_EQ(name.find("moe"), std::string_view::npos) << name;
}

TEST_F(Finetune, WritesEachWindowsScoresAndPlan) {
  run_whole("run", {"--prune", "staged", "--criterion", "hit_rate"});
  std::vector<std::size_t> survivors;
  for (int window = 0; window < 3; ++window) {
    const auto number = std::to_string(window);
    const auto scores = read_scores(small_.path("run/scores-00" + number + ".json"));
    const auto plan = read_plan(small_.path("run/plan-00" + number + ".json"));
    EXPECT_EQ(scores.criterion, "hit_rate");
    ASSERT_TRUE(scores.window.has_value());
    EXPECT_EQ(scores.window->first_step, 20 * window + 1);
    EXPECT_EQ(scores.window->last_step, 20 * (window + 1));
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& layer = scores.layers.at(i);
      const auto worst = std::min_element(layer.scores.begin(), layer.scores.end()) - layer.scores.begin();
      EXPECT_EQ(plan.layers.at(i).reason.size(), 1u);
      EXPECT_EQ(plan.layers.at(i).reason.begin()->first, worst);
      std::int64_t routed = 0;
      for (const auto tokens : layer.tokens) routed += tokens;
      EXPECT_EQ(routed, scores.window->tokens) << "top-1: every real token once, padding never";
    }
    survivors.push_back(plan.layers[0].keep.size());
  }
  EXPECT_EQ(survivors, (std::vector<std::size_t>{3, 2, 1}));
  EXPECT_FALSE(exists("run/plan-003.json")) << "the last window trains the survivor alone";
}

TEST_F(Finetune, PrunesByWhatExpertsGiveAndByWhatTheyWeigh) {
  for (const std::string criterion : {"reap", "router_norm"}) {
    run_whole(criterion, {"--prune", "eager", "--criterion", criterion, "--steps", "16"});
    EXPECT_EQ(read_scores(small_.path(criterion + "/scores-001.json")).criterion, criterion);
    EXPECT_EQ(model(criterion).config()["model_type"], "bert") << "one expert is left";
  }
}

TEST_F(Finetune, ChangesSinceAReferenceRank) {
  const auto refused =
      run_program(small_.command("no", {"--prune", "eager", "--criterion", "router_norm_change"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("router_norm_change can be negative"));
  const std::vector<std::string> options{"--prune", "staged", "--criterion", "router_norm_change",
                                         "--steps", "16"};
  run_whole("own", options);
  run_whole("named", SmallPretraining::with(options, {"--reference", small_.path("pretrained/model")}));
  const Scores own = read_scores(small_.path("own/scores-002.json"));
  const Scores named = read_scores(small_.path("named/scores-002.json"));
  ASSERT_EQ(own.layers.size(), named.layers.size());
  constexpr double kSumsInAnotherOrder = 1e-9;
  for (std::size_t layer = 0; layer < own.layers.size(); ++layer)
    EXPECT_THAT(own.layers[layer].scores,
                testing::Pointwise(testing::DoubleNear(kSumsInAnotherOrder), named.layers[layer].scores))
        << "the start is the reference";
  run_whole("forced",
            {"--prune", "eager", "--criterion", "router_norm_change", "--beta", "0", "--steps", "16"});
  EXPECT_EQ(model("forced").config()["model_type"], "bert");
}

TEST_F(Finetune, TrainingGoesOnWithTheSurvivorsNumbers) {
  run_whole("run", {"--prune", "eager", "--beta", "0.95"});
  const auto first = read_plan(small_.path("run/plan-000.json"));
  const auto second = read_scores(small_.path("run/scores-001.json"));
  for (const auto& layer : second.layers)
    for (const auto& before : first.layers)
      if (before.layer == layer.layer) {
        EXPECT_EQ(layer.original, surviving_originals(before));
      }
}

TEST_F(Finetune, KilledInsideAWindowItTakesTheSameDecisions) {
  const std::vector<std::string> options{"--prune", "eager",       "--beta", "0.9",          "--steps",
                                         "400",     "--log-every", "5",      "--save-every", "7"};
  run_whole("whole", options);
  {
    RunningProgram program(small_.command("killed", options));
    ASSERT_TRUE(program.wait_until([&] { return exists("killed/plan-000.json"); })) << program.err();
    ASSERT_EQ(program.stop(SIGKILL), 128 + SIGKILL);
  }
  ASSERT_FALSE(exists("killed/model")) << "the run was over before it was killed";
  run_whole("killed", SmallPretraining::with(options, {"--resume"}));
  for (const std::string file : {"plan-000.json", "plan-001.json", "scores-000.json", "scores-001.json"})
    EXPECT_EQ(content("killed/" + file), content("whole/" + file)) << file;
  EXPECT_TRUE(content("killed/model/model.safetensors") == content("whole/model/model.safetensors"));
}

TEST_F(Finetune, KilledAfterTheDropItGoesOnWithTheSurvivors) {
  const std::vector<std::string> options{"--prune", "eager", "--steps", "400", "--save-every", "10"};
  run_whole("whole", options);
  {
    RunningProgram program(small_.command("killed", options));
    const auto dropped = [&] {
      const auto file = small_.path("killed/metrics.jsonl");
      return exists("killed/plan-001.json") &&
             content("killed/metrics.jsonl").find("\"step\":240,") != std::string::npos;
    };
    ASSERT_TRUE(program.wait_until(dropped)) << program.err();
    ASSERT_EQ(program.stop(SIGKILL), 128 + SIGKILL);
  }
  run_whole("killed", SmallPretraining::with(options, {"--resume"}));
  EXPECT_TRUE(content("killed/model/model.safetensors") == content("whole/model/model.safetensors"));
}

TEST_F(Finetune, CtrlCSavesAndResumes) {
  const std::vector<std::string> options{"--prune", "eager", "--steps", "400", "--save-every", "100000"};
  run_whole("whole", options);
  {
    RunningProgram program(small_.command("stopped", options));
    ASSERT_TRUE(program.wait_until([&] { return !content("stopped/metrics.jsonl").empty(); }))
        << program.err();
    EXPECT_EQ(program.stop(SIGINT), 130) << program.err();
  }
  EXPECT_EQ(read_manifest(small_.path("stopped/manifest.json")).status, RunStatus::kInterrupted);
  run_whole("stopped", SmallPretraining::with(options, {"--resume"}));
  EXPECT_TRUE(content("stopped/model/model.safetensors") == content("whole/model/model.safetensors"));
}

TEST_F(Finetune, UpcyclesADenseModelAndSaysWhatItDoesAboutTheGates) {
  run_whole("pruned", {"--prune", "eager", "--steps", "8"});
  const auto run = run_program(SmallPretraining::with(
      small_.command("run", {"--upcycle", "4", "--moe-layers", "0,1", "--steps", "4"}), {}));
  EXPECT_EQ(run.exit_code, 2) << "a model with experts cannot be upcycled";
  EXPECT_THAT(run.err, HasSubstr("--upcycle needs a dense model"));
  const auto upcycled =
      run_program({"finetune", small_.path("pruned/model"), "--task", "table", "--data", small_.path("task"),
                   "--text-column", "sentence", "--steps", "4", "--seq-len", "32", "--out",
                   small_.path("upcycled"), "--upcycle", "3", "--moe-layers", "1"});
  ASSERT_EQ(upcycled.exit_code, 0) << upcycled.err;
  EXPECT_THAT(upcycled.err, HasSubstr("multiplied by 2.7"));
  EXPECT_TRUE(model("upcycled").contains("bert.encoder.layer.1.moe.experts.2.output.dense.weight"));
}

TEST_F(Finetune, ResumingWithOtherOptionsIsRefused) {
  run_whole("run", {"--prune", "eager", "--steps", "16"});
  const auto resumed = run_program(small_.command("run", {"--prune", "staged", "--steps", "16", "--resume"}));
  EXPECT_EQ(resumed.exit_code, 2);
  EXPECT_THAT(resumed.err, HasSubstr("prune"));
}

TEST_F(Finetune, NamesWhatIsMissing) {
  const auto run = run_program({"finetune", small_.path("pretrained/model"), "--out", small_.path("run")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--task"));
}

}  // namespace
}  // namespace espalier
