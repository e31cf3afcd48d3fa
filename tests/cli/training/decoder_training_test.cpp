// Decoders pre-trained and fine-tuned as a user does it: what a run leaves, that it survives kill -9, and
// that its models are those of their family.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <cstring>

#include "artifacts/metrics.h"
#include "artifacts/plan.h"
#include "checkpoint/checkpoint.h"
#include "cli/running_program.h"
#include "cli/small_decoder_training.h"

namespace espalier {
namespace {

using testing::HasSubstr;

class DecoderTraining : public testing::Test {
 protected:
  void run(const std::vector<std::string>& words) const {
    const auto run = run_program(words);
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  std::string weights(const std::string& out) const {
    return file_content(small_.path(out + "/model/model.safetensors"));
  }
  /// Runs the command, kills it once a state is there, resumes it.
  void kill_and_resume(const std::vector<std::string>& words, const std::string& out) const {
    {
      RunningProgram program(words);
      ASSERT_TRUE(program.wait_until([&] {
        return std::filesystem::exists(small_.path(out + "/state.safetensors"));
      })) << program.err();
      ASSERT_EQ(program.stop(SIGKILL), 128 + SIGKILL);
    }
    ASSERT_FALSE(std::filesystem::exists(small_.path(out + "/model"))) << "it was over before it was killed";
    auto again = words;
    again.push_back("--resume");
    run(again);
  }

  SmallDecoderTraining small_;
};

TEST_F(DecoderTraining, PretrainLeavesAModelThatTheOtherVerbsRead) {
  run(small_.pretrain("mixtral", "run", {"--valid-text", small_.held_out, "--model-dtype", "BF16"}));
  const auto lines = read_metrics(small_.path("run/metrics.jsonl"));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_LT(*lines.front().task_loss, std::log(300.0)) << "better than any piece as likely as another";
  EXPECT_LT(*lines.back().valid_loss, *lines.front().task_loss - 0.5) << "it learns";
  ASSERT_EQ(lines.back().expert_load.at(1).size(), 4U);
  EXPECT_GT(*lines.back().balance_loss, 0.9);
  const auto model = Checkpoint::open(small_.path("run/model"));
  EXPECT_TRUE(model.contains("model.layers.1.block_sparse_moe.experts.3.w2.weight"));
  EXPECT_EQ(model.tensor("model.layers.0.self_attn.k_proj.weight").dtype, Dtype::kBF16);
  EXPECT_FALSE(model.contains("lm_head.weight")) << "tied";
  EXPECT_EQ(file_content(small_.path("run/model/tokenizer.json")),
            file_content(small_.path("tokenizer/tokenizer.json")));
  const auto eval = run_program({"eval", small_.path("run/model"), "--task", "perplexity", "--data",
                                 small_.held_out, "--threads", "1"});
  ASSERT_EQ(eval.exit_code, 0) << eval.err;
  EXPECT_THAT(eval.out, HasSubstr("<s> in front"));
}

TEST_F(DecoderTraining, PretrainResumedAfterKillGivesTheSameNumbers) {
  // Biases that balance are part of the state (deepseek_v3).
  for (const std::string family : {"mixtral", "deepseek_v3"}) {
    SCOPED_TRACE(family);
    const std::vector<std::string> more{"--save-every", "10", "--steps", "60", "--threads", "1"};
    run(small_.pretrain(family, family + "-whole", more));
    kill_and_resume(small_.pretrain(family, family + "-killed", more), family + "-killed");
    EXPECT_TRUE(weights(family + "-killed") == weights(family + "-whole"));
  }
}

TEST_F(DecoderTraining, FamiliesAreSavedInTheirOwnLayout) {
  const std::pair<std::string, std::string> tensors[] = {
      {"qwen3_moe", "model.layers.0.self_attn.q_norm.weight"},
      {"deepseek", "model.layers.1.mlp.shared_experts.up_proj.weight"},
      {"deepseek_v3", "model.layers.1.mlp.gate.e_score_correction_bias"}};
  for (const auto& [family, tensor] : tensors) {
    SCOPED_TRACE(family);
    run(small_.pretrain(family, family, {"--steps", "20"}));
    const auto model = Checkpoint::open(small_.path(family + "/model"));
    ASSERT_TRUE(model.contains(tensor));
    const auto read = run_program({"inspect", small_.path(family + "/model"), "--json"});
    EXPECT_EQ(nlohmann::json::parse(read.out).at("model_type"), family) << read.err;
    const auto loads = run_program({"eval", small_.path(family + "/model"), "--task", "perplexity", "--data",
                                    small_.held_out, "--threads", "1"});
    EXPECT_EQ(loads.exit_code, 0) << loads.err;
  }
  const auto v3 = Checkpoint::open(small_.path("deepseek_v3/model"));
  const auto bias = v3.tensor("model.layers.1.mlp.gate.e_score_correction_bias");
  float largest = 0;
  for (std::size_t e = 0; e < 4; ++e) {
    float value = 0;
    std::memcpy(&value, bias.bytes.data() + 4 * e, 4);
    largest = std::max(largest, std::abs(value));
  }
  EXPECT_GT(largest, 0.0F) << "biases balance this family";
  EXPECT_LE(largest, 0.0201F) << "by 0.001 a step";
}

TEST_F(DecoderTraining, ProgressivePruningEndsInADenseModelThatExportsAsMistral) {
  run(small_.pretrain("mixtral", "base"));
  const std::vector<std::string> eager{"--prune", "eager", "--save-every", "5"};
  run(small_.finetune("base/model", "whole", eager));
  EXPECT_TRUE(drops_anything(read_plan(small_.path("whole/plan-001.json"))));
  const auto last = read_metrics(small_.path("whole/metrics.jsonl")).back();
  EXPECT_EQ(last.survivors, (std::map<int, int>{{0, 1}, {1, 1}}));
  const auto model = Checkpoint::open(small_.path("whole/model"));
  EXPECT_EQ(model.config()["num_local_experts"], 1);
  EXPECT_EQ(model.config()["num_experts_per_tok"], 1);
  kill_and_resume(small_.finetune("base/model", "killed", SmallPretraining::with(eager, {"--steps", "150"})),
                  "killed");
  run(small_.finetune("base/model", "long", SmallPretraining::with(eager, {"--steps", "150"})));
  EXPECT_TRUE(weights("killed") == weights("long"));
  run({"export", small_.path("whole/model"), "--to", "mistral", "--out", small_.path("dense")});
  EXPECT_TRUE(Checkpoint::open(small_.path("dense")).contains("model.layers.0.mlp.gate_proj.weight"));
  const auto refused =
      run_program({"export", small_.path("base/model"), "--to", "mistral", "--out", small_.path("no")});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("layer 0 has 4 experts"));
  EXPECT_FALSE(std::filesystem::exists(small_.path("no")));
}

TEST_F(DecoderTraining, RoutersAloneAndATeacher) {
  run(small_.pretrain("mixtral", "base"));
  run(small_.finetune("base/model", "routers", {"--train", "router"}));
  const auto before = Checkpoint::open(small_.path("base/model")),
             after = Checkpoint::open(small_.path("routers/model"));
  for (const auto name : before.names()) {
    const auto a = before.tensor(name), b = after.tensor(name);
    EXPECT_EQ(std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end()),
              !name.ends_with("block_sparse_moe.gate.weight"))
        << name;
  }
  // A model is no nats away from itself, and the first step starts there.
  run(small_.finetune("base/model", "same",
                      {"--teacher", small_.path("base/model"), "--steps", "1", "--log-every", "1"}));
  EXPECT_NEAR(*read_metrics(small_.path("same/metrics.jsonl")).front().task_loss, 0.0, 1e-5);
  // One that was moved comes closer.
  run(small_.finetune("base/model", "away", {"--learning-rate", "2e-2"}));
  run(small_.finetune("away/model", "back", {"--teacher", small_.path("base/model"), "--steps", "60"}));
  const auto lines = read_metrics(small_.path("back/metrics.jsonl"));
  EXPECT_LT(*lines.back().task_loss, *lines.front().task_loss);
}

TEST_F(DecoderTraining, BadInputIsAUserError) {
  run(small_.pretrain("mixtral", "base", {"--steps", "2"}));
  run(small_.pretrain("deepseek_v3", "sigmoid", {"--steps", "2"}));
  const std::string config = small_.config("mixtral");
  const std::string out = small_.path("out");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"pretrain", config, "--text", small_.text, "--out", out}, "--tokenizer is missing"},
      {small_.pretrain("mixtral", "out", {"--seq-len", "65"}), "holds positions for 64 tokens"},
      {small_.pretrain("mixtral", "out", {"--batch-tokens", "16"}), "holds no row"},
      {{"finetune", small_.path("base/model"), "--task", "causal_lm", "--out", out}, "--data is missing"},
      {small_.finetune("base/model", "out", {"--train", "router", "--prune", "eager"}), "routers alone"},
      {small_.finetune("sigmoid/model", "out", {"--prune", "eager"}), "sigmoid"},
      {small_.finetune("base/model", "out", {"--prune", "eager", "--steps", "2"}), "steps"},
      {small_.finetune("base/model", "out", {"--teacher", small_.path("nothing")}), "nothing"}};
  for (const auto& [words, fragment] : cases) {
    const auto run = run_program(words);
    EXPECT_EQ(run.exit_code, 2) << fragment;
    EXPECT_THAT(run.err, HasSubstr(fragment));
    std::filesystem::remove_all(out);
  }
}

}  // namespace
}  // namespace espalier
