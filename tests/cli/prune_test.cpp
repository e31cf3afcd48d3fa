#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "artifacts/plan.h"
#include "artifacts/run_manifest.h"
#include "cli/small_language_model.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Pruned {
  TemporaryFolder folder;
  std::string model = kGoldenFolder + "qwen3-moe", tokens = model + "/tokens.json",
              run = (folder / "run").string();

  std::vector<std::string> command(std::vector<std::string> more) const {
    more.insert(more.begin(), {"prune", model, "--out", run});
    return more;
  }
};

TEST(PruneVerb, LeavesWhatTheVerbsOneByOneLeave) {
  const Pruned p;
  const ProgramRun run = run_program(
      p.command({"--criterion", "reap", "--data", p.tokens, "--rows", "documents", "--keep", "0.5"}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::string observations = (p.folder / "obs.safetensors").string(),
                    scores = (p.folder / "scores.json").string(), plan = (p.folder / "plan.json").string();
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"observe", p.model, "--data", p.tokens, "--rows", "documents", "--out", observations},
           {"score", observations, "--criterion", "reap", "--out", scores},
           {"plan", scores, "--model", p.model, "--keep", "0.5", "--out", plan}})
    ASSERT_EQ(run_program(command).exit_code, 0);
  EXPECT_EQ(file_content(p.run + "/scores.json"), file_content(scores));
  EXPECT_EQ(file_content(p.run + "/plan.json"), file_content(plan));
  EXPECT_EQ(run_program({"verify", p.model, p.run + "/model", "--plan", plan}).exit_code, 0);
  EXPECT_THAT(file_content(p.run + "/report.html"), HasSubstr("<html"));
  EXPECT_THAT(run.out, HasSubstr("$ espalier observe"));
  const RunManifest manifest = read_manifest(p.run + "/manifest.json");
  EXPECT_EQ(manifest.status, RunStatus::kFinished);
  for (const char* verb : {"observe", "score", "plan", "apply", "verify"})
    EXPECT_TRUE(manifest.timings_seconds.contains(verb)) << verb;
}

TEST(PruneVerb, NeedsNoDataForCriteriaOfWeights) {
  const Pruned p;
  const auto json = result_of(p.command({"--criterion", "magnitude", "--keep", "3"}));
  EXPECT_EQ(json.at("format"), "espalier.pruned/1");
  EXPECT_FALSE(json.contains("observe"));
  EXPECT_TRUE(json.at("verify").at("identical").get<bool>());
  for (const LayerPlan& layer : read_plan(p.run + "/plan.json").layers) EXPECT_EQ(layer.keep.size(), 3U);
}

TEST(PruneVerb, MergesByThePlanOfTheVerb) {
  const Pruned p;
  const auto json = result_of(p.command({"--action", "merge", "--grouping", "linkage", "--similarity", "cka",
                                         "--data", p.tokens, "--rows", "documents", "--keep", "0.5"}));
  EXPECT_FALSE(json.contains("score"));
  const std::string plan = (p.folder / "plan.json").string();
  ASSERT_EQ(run_program({"plan", "--observations", p.run + "/observations.safetensors", "--action", "merge",
                         "--grouping", "linkage", "--model", p.model, "--keep", "0.5", "--out", plan})
                .exit_code,
            0);
  EXPECT_EQ(file_content(p.run + "/plan.json"), file_content(plan));
  for (const LayerPlan& layer : read_plan(plan).layers) EXPECT_FALSE(layer.merge.empty());
}

TEST(PruneVerb, Reconstructs) {
  const Pruned p;
  const auto json = result_of(p.command({"--action", "reconstruction", "--search", "greedy", "--keep-tokens",
                                         "16", "--data", p.tokens, "--rows", "documents", "--keep", "3"}));
  EXPECT_TRUE(json.at("verify").at("identical").get<bool>());
  EXPECT_FALSE(std::filesystem::exists(p.run + "/scores.json"));
  for (const LayerPlan& layer : read_plan(p.run + "/plan.json").layers) EXPECT_EQ(layer.keep.size(), 3U);
}

TEST(PruneVerb, AlignsBeforeItMerges) {
  const Pruned p;
  const auto json = result_of(p.command({"--action", "merge", "--align", "--similarity", "cka", "--data",
                                         p.tokens, "--rows", "documents", "--keep", "0.5"}));
  EXPECT_TRUE(json.at("verify").at("identical").get<bool>());
  const std::string plan = (p.folder / "plan.json").string();
  ASSERT_EQ(run_program({"align", p.run + "/merges.json", p.model, "--out", plan}).exit_code, 0);
  EXPECT_EQ(file_content(p.run + "/plan.json"), file_content(plan));
  EXPECT_NE(file_content(p.run + "/plan.json"), file_content(p.run + "/merges.json"));
}

TEST(PruneVerb, OverwritingLeavesNothingOfTheOlderRun) {
  const Pruned p;
  result_of(p.command({"--criterion", "magnitude", "--keep", "3"}));
  result_of(p.command({"--action", "reconstruction", "--keep-tokens", "16", "--data", p.tokens, "--rows",
                       "documents", "--keep", "3", "--overwrite"}));
  EXPECT_FALSE(std::filesystem::exists(p.run + "/scores.json"));
  const std::string observations = p.run + "/observations.safetensors";
  const auto before = file_content(observations);
  result_of(p.command({"--criterion", "reap", "--observations", observations, "--keep", "3", "--overwrite"}));
  EXPECT_EQ(file_content(observations), before) << "what the run reads stays";
}

TEST(PruneVerb, SaysWhatAnActionAndACriterionNeed) {
  const Pruned p;
  for (const auto& [words, said] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"--keep", "2"}, "neither --criterion nor --action"},
           {{"--keep", "2", "--action", "merge"}, "--data is missing"},
           {{"--keep", "2", "--action", "merge", "--criterion", "reap"},
            "--criterion: is of --action drop and novice, this one is merge"},
           {{"--keep", "2", "--criterion", "magnitude", "--align"}, "--action drop merges nothing"},
           {{"--keep", "2", "--criterion", "magnitude", "--group-by", "cka"},
            "--group-by: is of --action merge"},
           {{"--keep", "2", "--action", "merg"}, "merge"}}) {
    const ProgramRun run = run_program(p.command(words));
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(said));
    EXPECT_FALSE(std::filesystem::exists(p.run));
  }
}

TEST(PruneVerb, ComparesBeforeAndAfterOnTexts) {
  Pruned p;
  p.model = golden_with_tokenizer(p.folder, "qwen3-moe");
  const std::string text =
      p.folder.write("news.txt", "One two three four five.\n\nSix seven eight nine ten.\n");
  const std::string observations = (p.folder / "obs.safetensors").string();
  ASSERT_EQ(run_program({"observe", p.model, "--data", text, "--out", observations}).exit_code, 0);
  const auto json = result_of(p.command({"--criterion", "frequency", "--observations", observations, "--keep",
                                         "1.0", "--compare", text, "again=" + text, "--eval-seq-len", "16"}));
  ASSERT_EQ(json.at("compare").size(), 2U);
  for (const char* name : {"news", "again"}) {
    const auto comparison = nlohmann::json::parse(file_content(p.run + "/compare-" + name + ".json"));
    EXPECT_EQ(comparison.at("kl_divergence"), 0.0) << "nothing was dropped";
    EXPECT_EQ(comparison.at("settings").at("sequence_length"), "16");
  }
  EXPECT_FALSE(json.contains("observe"));
}

TEST(PruneVerb, GoesOnAfterAFailedStep) {
  const Pruned p;
  std::filesystem::create_directories(p.run);
  const auto command =
      p.command({"--criterion", "frequency", "--data", p.tokens, "--keep", "2", "--overwrite"});
  std::filesystem::create_directories(p.run + "/report.html");  // the last step cannot write its file
  ASSERT_EQ(run_program(command).exit_code, 2);
  const auto written = std::filesystem::last_write_time(p.run + "/observations.safetensors");
  std::filesystem::remove(p.run + "/report.html");
  auto again = command;
  again.back() = "--resume";
  const ProgramRun run = run_program(again);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, Not(HasSubstr("$ espalier observe")));
  EXPECT_THAT(run.out, HasSubstr("$ espalier verify"));
  EXPECT_EQ(std::filesystem::last_write_time(p.run + "/observations.safetensors"), written);
  again[again.size() - 2] = "3";
  const ProgramRun other = run_program(again);
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("had other options"));
}

TEST(PruneVerb, ResumeBeginsWhatDidNotBegin) {
  const Pruned p;
  EXPECT_EQ(run_program(p.command({"--criterion", "magnitude"})).exit_code, 2);
  const ProgramRun run = run_program(p.command({"--criterion", "magnitude", "--keep", "2", "--resume"}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("there is no run yet"));
  TemporaryFolder other;
  other.write("text", "");
  const ProgramRun none = run_program({"prune", p.model, "--criterion", "magnitude", "--keep", "2", "--out",
                                       other.path().string(), "--resume"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("manifest.json"));
}

TEST(PruneVerb, ResumeTakesWhatWasMissing) {
  const Pruned p;
  const std::string model = golden_with_tokenizer(p.folder, "qwen3-moe");
  const std::string text = p.folder.write("a.txt", "One two three four five six seven.\n");
  std::vector<std::string> command{"prune",       model,       "--out",  p.run,
                                   "--criterion", "magnitude", "--keep", "0.5"};
  ASSERT_EQ(run_program(command).exit_code, 0);
  const auto written = std::filesystem::last_write_time(p.run + "/model/model.safetensors");
  command.insert(command.end(), {"--compare", "a=" + text, "--eval-seq-len", "16", "--resume"});
  const ProgramRun run = run_program(command);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(std::filesystem::exists(p.run + "/compare-a.json"));
  EXPECT_EQ(std::filesystem::last_write_time(p.run + "/model/model.safetensors"), written);
}

TEST(PruneVerb, BadInputIsAUserErrorBeforeAnyWork) {
  const Pruned p;
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--criterion", "reap", "--keep", "2"}, "--data is missing"},
      {{"--criterion", "reapp", "--data", p.tokens, "--keep", "2"}, "reap"},
      {{"--criterion", "reap", "--data", p.tokens}, "of --keep, --keep-bytes and --target-size are given"},
      {{"--criterion", "reap", "--data", p.tokens, "--keep", "50%"}, "--keep"},
      {{"--criterion", "reap", "--data", p.tokens, "--keep", "1"}, "would keep 1 of its experts"},
      {{"--criterion", "reap", "--data", p.tokens, "--keep", "99"}, "--keep: 99 experts, the layers have"},
      {{"--criterion", "reap", "--data", p.tokens, "--keep", "2", "--protect", "0:77"}, "no expert 77"},
      {{"--criterion", "reap", "--data", p.tokens, "--keep", "2", "--router", "zero_output"}, "--zero-fill"},
      {{"--criterion", "reap", "--data", p.tokens, "--target-size", "1kB"}, "--target-size"},
      {{"--criterion", "reap", "--data", "absent.jsonl", "--keep", "2"}, "absent.jsonl: no such file"},
      {{"--criterion", "magnitude", "--keep", "2", "--compare", "absent.txt"}, "absent.txt: no such file"},
      {{"--criterion", "magnitude", "--keep", "2", "--compare", p.tokens}, "tokenizer"},
      {{"--action", "merge", "--data", p.tokens, "--keep", "2"}, "--similarity cka"},
      {{"--action", "merge", "--method", "grupping", "--data", p.tokens, "--keep", "2"}, "grouping"},
      {{"--action", "reconstruction", "--data", p.tokens, "--keep", "2"}, "--keep-tokens"},
  };
  for (const auto& [arguments, error] : cases) {
    const ProgramRun run = run_program(p.command(arguments));
    EXPECT_EQ(run.exit_code, 2) << error;
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_FALSE(std::filesystem::exists(p.run));
  }
}

}  // namespace
}  // namespace espalier
