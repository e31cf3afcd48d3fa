#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "artifacts/keep_list.h"
#include "artifacts/plan.h"
#include "base/json.h"
#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kModel = source_dir() + "/tests/golden/mixtral-sharded";

/// Scores of the golden model, and where a plan goes.
class PlanVerb : public testing::Test {
 protected:
  void SetUp() override {
    const ProgramRun run = run_program({"score", kModel, "--criterion", "router_norm", "--out", scores_});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  ProgramRun plan(std::vector<std::string> arguments) {
    std::vector<std::string> all = std::move(arguments);
    all.insert(all.begin(), {"plan", "--out", out_});
    return run_program(all);
  }
  TemporaryFolder folder_;
  std::string scores_ = (folder_ / "scores.json").string(), out_ = (folder_ / "plan.json").string();
};

TEST_F(PlanVerb, CountsFractionsAndBytes) {
  const ProgramRun count = plan({scores_, "--keep", "4"});
  EXPECT_EQ(count.exit_code, 0) << count.err;
  EXPECT_THAT(count.out, HasSubstr("--keep 4: 8 of 16 experts stay, 4 in each of 2 layers\n"));
  const std::string by_count = file_content(out_);
  EXPECT_EQ(read_plan(out_).layers[0].keep.size(), 4u);
  const ProgramRun fraction = plan({scores_, "--keep", "0.5"});
  EXPECT_EQ(fraction.exit_code, 0) << fraction.err;
  EXPECT_EQ(file_content(out_), by_count);
  // An expert: three matrices of 64 x 72 and a row of the router, F32.
  const auto bytes = 9 * (3 * 64 * 72 + 64) * 4;
  const ProgramRun by_bytes = plan({scores_, "--keep-bytes", std::to_string(bytes)});
  EXPECT_EQ(by_bytes.exit_code, 0) << by_bytes.err;
  EXPECT_EQ(file_content(out_), by_count);
  const ProgramRun global =
      plan({scores_, "--keep-bytes", std::to_string(bytes), "--budget", "global", "--json"});
  EXPECT_EQ(global.exit_code, 0) << global.err;
  EXPECT_EQ(nlohmann::json::parse(global.out).at("experts_after"), 9);
}

TEST_F(PlanVerb, TheWholeModelInSoManyBytes) {
  std::uint64_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kModel)) {
    if (entry.path().extension() == ".safetensors" && entry.path().filename().string().starts_with("model")) {
      files += entry.file_size();
    }
  }
  const std::uint64_t expert = (3 * 64 * 72 + 64) * 4;
  const ProgramRun run =
      plan({scores_, "--target-size", std::to_string(files - 5 * expert), "--model", kModel});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("10 of 16 experts stay"));
  const ProgramRun small = plan({scores_, "--target-size", "1kB", "--model", kModel});
  EXPECT_EQ(small.exit_code, 2);
  EXPECT_THAT(small.err, HasSubstr("what is not experts takes"));
}

TEST_F(PlanVerb, AKeepListInAndOut) {
  const ProgramRun in = plan({"--keep-list", kModel + "/pruned.json", "--model", kModel});
  EXPECT_EQ(in.exit_code, 0) << in.err;
  const std::string list = (folder_ / "keep.json").string();
  const ProgramRun out = run_program({"explain", out_, "--keep-list", list});
  EXPECT_EQ(out.exit_code, 0) << out.err;
  EXPECT_EQ(read_keep_list(list), read_keep_list(kModel + "/pruned.json"));
  const std::string plan_file = file_content(out_);
  EXPECT_EQ(plan({"--keep-list", list, "--model", kModel}).exit_code, 0);
  EXPECT_EQ(file_content(out_), plan_file);
}

TEST_F(PlanVerb, BadInputIsAUserErrorAndWritesNothing) {
  const std::string list = folder_.write("keep.json", R"({"0": [0]})");
  const std::string far = folder_.write("far.json", R"({"7": [0, 1]})");
  const std::vector<std::pair<std::vector<std::string>, const char*>> bad{
      {{scores_}, "0 of --keep, --keep-bytes and --target-size are given"},
      {{scores_, "--keep", "4", "--keep-bytes", "1GB"}, "2 of --keep"},
      {{scores_, "--keep", "0"}, "expected at least 1 expert"},
      {{scores_, "--keep", "1"}, "pass --experts-per-token 1"},
      {{scores_, "--keep", "0.01"}, "rounds to none"},
      {{scores_, "--keep", "0.99"}, "rounds to everything"},
      {{scores_, "--keep", "9"}, "9 experts, the layers have 8"},
      {{scores_, "--keep", "4", "--budget", "globl"}, "did you mean global?"},
      {{scores_, "--keep", "4", "--protect", "3:1"}, "block 3 has no scores"},
      {{scores_, "--target-size", "1GB"}, "needs the model"},
      {{"--keep", "4"}, "neither scores, --observations nor --keep-list"},
      {{"--keep-list", list}, "needs the model"},
      {{"--keep-list", list, "--model", kModel}, "1 experts of block 0 stay, but a token visits 2"},
      {{"--keep-list", far, "--model", kModel}, "block 7 of the model has no experts"},
      {{"--keep-list", list, "--model", kModel, "--keep", "4"}, "the list decides everything"},
      {{scores_, "--keep", "4", "--model", kModel + "/../bert"}, "bert"},
  };
  EXPECT_EQ(run_program({"plan"}).exit_code, 2);
  for (const auto& [arguments, text] : bad) {
    SCOPED_TRACE(text);
    const ProgramRun run = plan(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(text));
    EXPECT_THAT(run.err, HasSubstr("\nhint: "));
    EXPECT_FALSE(std::filesystem::exists(out_));
  }
}

}  // namespace
}  // namespace espalier
