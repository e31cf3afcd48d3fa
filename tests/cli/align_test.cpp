#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "artifacts/observations.h"
#include "artifacts/plan.h"
#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kMixtral = source_dir() + "/tests/golden/mixtral";
const std::string kTokens = kMixtral + "/tokens.json";  // 24 and 31 tokens

class MergingVerbs : public testing::Test {
 protected:
  ProgramRun observe(std::vector<std::string> more) {
    std::vector<std::string> command{"observe", kMixtral, "--out", observations_};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command);
  }
  ProgramRun plan(std::vector<std::string> more) {
    std::vector<std::string> command{"plan", "--observations", observations_, "--out", plan_};
    command.insert(command.end(), more.begin(), more.end());
    return run_program(command);
  }
  /// Observes all there is to know.
  void observe_all() {
    const ProgramRun run = observe({"--data", kTokens, "--rows", "documents", "--similarity",
                                    "cka,output,logits", "--keep-tokens", "40"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }

  TemporaryFolder folder_;
  std::string observations_ = (folder_ / "obs.safetensors").string(),
              plan_ = (folder_ / "plan.json").string();
};

TEST_F(MergingVerbs, FromDataToASmallerModelThatRuns) {
  observe_all();
  int number = 0;
  for (const std::vector<std::string>& how : std::vector<std::vector<std::string>>{
           {"--action", "merge"},
           {"--action", "merge", "--method", "m_smoe"},
           {"--action", "merge", "--method", "hc_smoe"},
           {"--action", "merge", "--group-by", "output", "--weights", "least_squares"},
           {"--action", "reconstruction"},
           {"--action", "drop", "--criterion", "reap"}}) {
    std::vector<std::string> arguments = how;
    arguments.insert(arguments.end(), {"--keep", "4"});
    const ProgramRun made = plan(arguments);
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("12 of 24 experts stay, 4 in each of 3 layers"));
    const std::string out = (folder_ / ("out" + std::to_string(number++))).string();
    const ProgramRun applied = run_program({"apply", kMixtral, plan_, "--out", out});
    ASSERT_EQ(applied.exit_code, 0) << applied.err;
    EXPECT_EQ(run_program({"verify", kMixtral, out, "--plan", plan_}).exit_code, 0);
    EXPECT_EQ(run_program({"logits", out, "--tokens", kTokens, "--out", (folder_ / "l.safetensors").string()})
                  .exit_code,
              0);
  }
}

TEST_F(MergingVerbs, AlignGivesThePlanOrdersOfNeurons) {
  observe_all();
  ASSERT_EQ(plan({"--action", "merge", "--keep", "4"}).exit_code, 0);
  const std::string aligned = (folder_ / "aligned.json").string(), out = (folder_ / "out").string();
  const ProgramRun run = run_program({"align", plan_, kMixtral, "--out", aligned});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("in order"));
  EXPECT_EQ(read_plan(aligned).layers[0].merge[0].neurons[1].size() +
                read_plan(aligned).layers[0].merge[0].neurons[0].size(),
            72u);
  EXPECT_THAT(run_program({"explain", aligned}).out, HasSubstr("neurons in order"));
  ASSERT_EQ(run_program({"apply", kMixtral, aligned, "--out", out}).exit_code, 0);
  EXPECT_EQ(run_program({"verify", kMixtral, out, "--plan", aligned}).exit_code, 0);
}

TEST_F(MergingVerbs, WithoutDataThereAreWeightsAndProbes) {
  const ProgramRun run = observe({"--similarity", "weights,probes", "--probes", "50"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(read_observations(observations_).layers[2].probes->inputs, 50);
  for (const char* kind : {"weights", "probes", "probes_cka"}) {
    const ProgramRun made = plan({"--action", "merge", "--group-by", kind, "--keep", "4"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }
  const std::string page = (folder_ / "r.html").string();
  ASSERT_EQ(run_program({"report", observations_, "--out", page}).exit_code, 0);
  EXPECT_THAT(file_content(page), HasSubstr("Experts that are alike"));
}

TEST_F(MergingVerbs, BadInputIsAUserError) {
  const std::pair<std::vector<std::string>, std::string> bad_observations[] = {
      {{"--data", kTokens, "--similarity", "cka", "--similarity-tokens", "4096", "--rows", "documents"},
       "4096 tokens are asked for, the data have 55"},
      {{"--data", kTokens, "--similarity", "weights"}, "--data is given"},
      {{"--similarity", "weights,cka"}, "--data is missing"},
      {{"--similarity", "cka"}, "--data is missing"},
  };
  for (const auto& [arguments, error] : bad_observations) {
    const ProgramRun run = observe(arguments);
    EXPECT_EQ(run.exit_code, 2) << error;
    EXPECT_THAT(run.err, HasSubstr(error));
  }
  ASSERT_EQ(observe({"--data", kTokens, "--rows", "documents"}).exit_code, 0);
  const std::pair<std::vector<std::string>, std::string> bad_plans[] = {
      {{"--keep", "4", "--action", "merge"}, "the observations lack what cka needs"},
      {{"--keep", "4", "--action", "reconstruction"}, "--keep-tokens"},
      {{"--keep", "4", "--action", "novice"}, "no place for the mean output"},
      {{"--keep", "4", "--action", "marge"}, "did you mean merge?"},
      {{"--keep", "4", "--action", "merge", "--search", "greedy"}, "--search: is of --action reconstruction"},
      {{"--keep", "4", "--action", "merge", "--method", "hcsmoe"}, "did you mean hc_smoe?"},
      {{"--action", "merge"}, "--keep"},
  };
  for (const auto& [arguments, error] : bad_plans) {
    const ProgramRun run = plan(arguments);
    EXPECT_EQ(run.exit_code, 2) << error;
    EXPECT_THAT(run.err, HasSubstr(error));
  }
  const ProgramRun scores = run_program({"plan", "--out", plan_, "--action", "merge", "--keep", "4"});
  EXPECT_EQ(scores.exit_code, 2);
  EXPECT_THAT(scores.err, HasSubstr("needs --observations"));
}

}  // namespace
}  // namespace espalier
