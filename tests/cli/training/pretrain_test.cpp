// Pre-training as a user runs it: what a run leaves, and that it survives kill -9, Ctrl-C and a diverging
// loss.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <set>

#include "artifacts/metrics.h"
#include "artifacts/run_manifest.h"
#include "checkpoint/checkpoint.h"
#include "cli/running_program.h"
#include "cli/small_pretraining.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kRun{"--steps",     "120", "--save-every", "10",
                                    "--log-every", "5",   "--seed",       "3"};

/// The losses and everything else a line says about the model; times and memory differ between runs.
void expect_same_metrics(const std::string& found, const std::string& expected) {
  const auto a = read_metrics(found), b = read_metrics(expected);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].step, b[i].step);
    EXPECT_EQ(a[i].loss, b[i].loss) << "step " << a[i].step;
    EXPECT_EQ(a[i].balance_loss, b[i].balance_loss) << "step " << a[i].step;
    EXPECT_EQ(a[i].grad_norm, b[i].grad_norm) << "step " << a[i].step;
    EXPECT_EQ(a[i].lr, b[i].lr) << "step " << a[i].step;
    EXPECT_EQ(a[i].tokens, b[i].tokens) << "step " << a[i].step;
    EXPECT_EQ(a[i].expert_load, b[i].expert_load) << "step " << a[i].step;
  }
}

class Pretrain : public testing::Test {
 protected:
  void run_whole(const std::string& out, const std::vector<std::string>& more = {}) {
    const auto run = run_program(small_.command(out, SmallPretraining::with(kRun, more)));
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  bool saved(const std::string& out) const {
    return std::filesystem::exists(small_.path(out + "/state.safetensors"));
  }
  std::string model(const std::string& out) const {
    return file_content(small_.path(out + "/model/model.safetensors"));
  }

  SmallPretraining small_;
};

TEST_F(Pretrain, LeavesAModelItsMetricsAndAManifest) {
  const auto run = run_program(
      small_.command("run", SmallPretraining::with(kRun, {"--valid-text", small_.held_out, "--validate-every",
                                                          "60", "--learning-rate", "5e-3"})));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("120 steps"));
  const auto lines = read_metrics(small_.path("run/metrics.jsonl"));
  ASSERT_EQ(lines.size(), 24u);
  EXPECT_NEAR(lines.front().loss, std::log(45.0), 0.5) << "an untrained model guesses";
  EXPECT_LT(*lines.back().mlm_loss, *lines.front().mlm_loss - 0.3) << "it learns";
  EXPECT_LT(*lines.back().valid_loss, *lines.front().mlm_loss - 0.3);
  EXPECT_EQ(lines[11].valid_loss.has_value(), true);
  EXPECT_FALSE(lines[10].valid_loss.has_value());
  ASSERT_EQ(lines.back().expert_load.at(1).size(), 4u);
  double share = 0;
  for (const double load : lines.back().expert_load.at(1)) share += load;
  EXPECT_NEAR(share, 1.0, 1e-9);
  EXPECT_EQ(read_manifest(small_.path("run/manifest.json")).status, RunStatus::kFinished);
  const auto checkpoint = Checkpoint::open(small_.path("run/model"));
  EXPECT_TRUE(checkpoint.contains("bert.encoder.layer.1.moe.experts.3.intermediate.dense.weight"));
  EXPECT_EQ(file_content(small_.path("run/model/vocab.txt")), file_content(small_.vocabulary));
}

TEST_F(Pretrain, IsDeterministic) {
  run_whole("one");
  run_whole("two");
  EXPECT_EQ(model("one"), model("two"));
  expect_same_metrics(small_.path("one/metrics.jsonl"), small_.path("two/metrics.jsonl"));
}

TEST_F(Pretrain, ResumedAfterKillGivesTheSameNumbers) {
  const std::vector<std::string> threads{"--threads", "2"};
  run_whole("whole", threads);
  {
    RunningProgram program(small_.command("killed", SmallPretraining::with(kRun, threads)));
    ASSERT_TRUE(program.wait_until([&] { return saved("killed"); })) << program.err();
    ASSERT_EQ(program.stop(SIGKILL), 128 + SIGKILL);
  }
  ASSERT_FALSE(std::filesystem::exists(small_.path("killed/model")))
      << "the run was over before it was killed";
  const auto resumed =
      run_program(small_.command("killed", SmallPretraining::with(kRun, {"--threads", "2", "--resume"})));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(model("killed") == model("whole"));
  expect_same_metrics(small_.path("killed/metrics.jsonl"), small_.path("whole/metrics.jsonl"));
}

TEST_F(Pretrain, KilledBeforeAnyStateStartsAgain) {
  run_whole("whole");
  {
    RunningProgram program(
        small_.command("killed", SmallPretraining::with(kRun, {"--save-every", "100000"})));
    const auto begun = [&] { return std::filesystem::exists(small_.path("killed/manifest.json")); };
    ASSERT_TRUE(program.wait_until(begun)) << program.err();
    program.stop(SIGKILL);
  }
  ASSERT_FALSE(saved("killed"));
  const auto resumed = run_program(small_.command("killed", SmallPretraining::with(kRun, {"--resume"})));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(model("killed") == model("whole"));
  expect_same_metrics(small_.path("killed/metrics.jsonl"), small_.path("whole/metrics.jsonl"));
}

TEST_F(Pretrain, CtrlCSavesAndResumes) {
  run_whole("whole");
  {
    RunningProgram program(
        small_.command("stopped", SmallPretraining::with(kRun, {"--save-every", "100000"})));
    const auto training = [&] { return !file_content(small_.path("stopped/metrics.jsonl")).empty(); };
    ASSERT_TRUE(program.wait_until(training)) << program.err();
    EXPECT_EQ(program.stop(SIGINT), 130) << program.err();
    EXPECT_THAT(program.err(), HasSubstr("--resume"));
  }
  EXPECT_TRUE(saved("stopped"));
  EXPECT_EQ(read_manifest(small_.path("stopped/manifest.json")).status, RunStatus::kInterrupted);
  const auto resumed = run_program(small_.command("stopped", SmallPretraining::with(kRun, {"--resume"})));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(model("stopped") == model("whole"));
}

TEST_F(Pretrain, ResumingAFinishedRunChangesNothing) {
  run_whole("run");
  const auto before = model("run"), metrics = file_content(small_.path("run/metrics.jsonl"));
  const auto resumed = run_program(small_.command("run", SmallPretraining::with(kRun, {"--resume"})));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(model("run") == before);
  EXPECT_EQ(file_content(small_.path("run/metrics.jsonl")), metrics);
  EXPECT_THAT(resumed.out, testing::Not(HasSubstr("loss 0.0000"))) << "the loss that the run came to";
}

TEST_F(Pretrain, ADivergingLossStopsAtItsStepAndKeepsTheLastState) {
  const auto diverging = [&](const std::vector<std::string>& more) {
    return run_program(small_.command(
        "run", SmallPretraining::with(
                   {"--steps", "50", "--save-every", "1", "--warmup", "0", "--clip-norm", "0"}, more)));
  };
  const auto run = diverging({"--learning-rate", "1e30"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("of step 2 is"));
  EXPECT_THAT(run.err, HasSubstr("holds step 1"));
  EXPECT_EQ(read_manifest(small_.path("run/manifest.json")).status, RunStatus::kFailed);
  EXPECT_NO_THROW(SafetensorsFile::open(small_.path("run/state.safetensors")));
  const auto resumed = diverging({"--learning-rate", "1e-4", "--resume"});
  EXPECT_EQ(resumed.exit_code, 2);
  EXPECT_THAT(resumed.err, HasSubstr("of step 2 is")) << "the state was loaded";
}

TEST_F(Pretrain, ANewRunOverAnOldOneForgetsItsState) {
  run_whole("run");
  {
    RunningProgram program(small_.command(
        "run", SmallPretraining::with(kRun, {"--overwrite", "--seed", "4", "--save-every", "100000"})));
    ASSERT_TRUE(program.wait_until([&] { return !saved("run"); })) << "it kept the old run's state";
    program.stop(SIGKILL);
  }
  EXPECT_FALSE(saved("run"));
}

/// Names of the tensors that are not those of another run's model, bit for bit.
std::set<std::string> changed(const std::string& from, const std::string& to) {
  const auto before = Checkpoint::open(from), after = Checkpoint::open(to);
  std::set<std::string> names;
  for (const auto& name : after.names())
    if (!before.contains(name) || !std::ranges::equal(before.tensor(name).bytes, after.tensor(name).bytes))
      names.emplace(name);
  return names;
}

TEST_F(Pretrain, TrainsTheNamedPartsAlone) {
  run_whole("base");
  const auto command = [&](const std::string& out, const std::vector<std::string>& more) {
    auto words = small_.command(out, SmallPretraining::with(kRun, {"--train", "head,ffn.1", "--model-dtype",
                                                                   "BF16", "--expert-rate", "2"}));
    words[1] = small_.path("base/model");
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const auto run = run_program(command("parts", {}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  for (const auto& name : changed(small_.path("base/model"), small_.path("parts/model")))
    EXPECT_TRUE(name.find("layer.1.moe.") != std::string::npos || name.starts_with("cls.")) << name;
  const auto model = Checkpoint::open(small_.path("parts/model"));
  EXPECT_EQ(model.tensor("bert.embeddings.word_embeddings.weight").dtype, Dtype::kF32) << "as it was";
  EXPECT_EQ(model.tensor("bert.encoder.layer.1.moe.experts.0.output.dense.weight").dtype, Dtype::kBF16);
  EXPECT_LT(std::filesystem::file_size(small_.path("parts/state.safetensors")),
            std::filesystem::file_size(small_.path("base/state.safetensors")));
  const auto state = SafetensorsFile::open(small_.path("parts/state.safetensors"));
  for (const auto& name : state.names())
    EXPECT_TRUE(name.find("layer.1.moe.") != std::string::npos || name.find("cls.") != std::string::npos)
        << name;
  {
    RunningProgram program(command("killed", {}));
    ASSERT_TRUE(program.wait_until([&] { return saved("killed"); })) << program.err();
    program.stop(SIGKILL);
  }
  const auto resumed = run_program(command("killed", {"--resume"}));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_TRUE(this->model("killed") == this->model("parts"));
}

TEST_F(Pretrain, NamesWhatIsMissing) {
  const ProgramRun run = run_program({"pretrain", small_.path("config.json"), "--out", small_.path("run")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--text"));
}

}  // namespace
}  // namespace espalier
