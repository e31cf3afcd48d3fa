// Verbs that write, killed: what they leave under a name is whole, and they go on. (`apply` at every call:
// tests/unit/surgery/killed_test.cpp; verbs that train: training/killed_test.cpp.)
#include "cli/killed_verb.h"
#include "cli/small_language_model.h"

namespace espalier {
namespace {

/// The golden model, its observations, scores and a plan.
class Killed : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string model = golden_with_tokenizer(folder, "qwen3-moe");
    std::filesystem::rename(model, folder / "model");
    folder.write("text.txt", "One two three four five.\n\nSix seven eight nine ten.\n\nEleven, twelve.\n");
    run({"observe", "model", "--data", "text.txt", "--samples", "2", "--seq-len", "16", "--out",
         "obs.safetensors"});
    run({"score", "obs.safetensors", "--criterion", "reap", "--out", "scores.json"});
    run({"plan", "scores.json", "--keep", "0.5", "--out", "plan.json"});
  }
  void run(const std::vector<std::string>& command) const {
    EXPECT_EQ(run_killed_at(0, [&] { return killed_verb::become_program(folder.path(), command); }).exit_code,
              0);
  }
  TemporaryFolder folder;
};

TEST_F(Killed, Observe) {
  for (const char* most : {"0", "1"})
    expect_goes_on({folder.path(),
                    {"observe", "model", "--data", "text.txt", "--samples", "3", "--seq-len", "16",
                     "--max-memory", most, "--threads", "1", "--out", "new.safetensors"},
                    {"new.safetensors"}});
}

TEST_F(Killed, ScoreAndPlan) {
  expect_goes_on({folder.path(),
                  {"score", "obs.safetensors", "--criterion", "reap", "--out", "new.json"},
                  {"new.json"}});
  expect_goes_on({folder.path(), {"plan", "scores.json", "--keep", "3", "--out", "new.json"}, {"new.json"}});
}

TEST_F(Killed, Apply) {
  expect_goes_on({folder.path(),
                  {"apply", "model", "plan.json", "--shard-size", "40kB", "--threads", "1", "--out", "new"},
                  {"new"}});
}

TEST_F(Killed, Compare) {
  expect_goes_on({folder.path(),
                  {"compare", "model", "model", "--data", "text.txt", "--seq-len", "16", "--max-memory", "0",
                   "--threads", "1", "--out", "new.json"},
                  {"new.json"},
                  {}});
}

TEST_F(Killed, Convert) {
  expect_goes_on(
      {folder.path(),
       {"convert", "model", "--to", "fp8", "--shard-size", "40kB", "--threads", "1", "--out", "new"},
       {"new"}});
}

TEST_F(Killed, Prune) {
  expect_goes_on({folder.path(),
                  {"prune", "model", "--criterion", "reap", "--data", "text.txt", "--samples", "2",
                   "--seq-len", "16", "--keep", "0.5", "--threads", "1", "--out", "run"},
                  {"run/plan.json", "run/model/config.json", "run/model/model.safetensors"}});
}

TEST_F(Killed, SweepOfMethods) {
  folder.write("grid.toml",
               "model = \"model\"\nkeep = [0.5]\nseeds = [1]\n[calibration]\na = \"text.txt\"\n[evaluation]\n"
               "b = \"text.txt\"\n[observe]\nsamples = 2\nseq-len = 16\n[options]\neval-seq-len = 16\n"
               "[methods.reap]\ncriterion = \"reap\"\n");
  expect_goes_on({folder.path(),
                  {"sweep", "grid.toml", "--threads", "1", "--out", "out"},
                  {"out/a/0.5/reap/seed-1/plan.json"},
                  {}});
}

}  // namespace
}  // namespace espalier
