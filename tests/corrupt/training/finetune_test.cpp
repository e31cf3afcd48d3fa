// What a user may get wrong about fine-tuning: one clear error each, exit code 2, and no run folder that
// looks finished.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/small_finetuning.h"

namespace espalier {
namespace {

using testing::HasSubstr;

struct Mistake {
  const char* name;
  std::vector<std::string> options;
  const char* message;
};

const Mistake kMistakes[] = {
    {"FewerStepsThanWindows", {"--prune", "eager", "--steps", "3"}, "4"},
    {"UnknownSchedule", {"--prune", "eagre"}, "eager"},
    {"UnknownCriterion", {"--prune", "eager", "--criterion", "alhpa"}, "alpha"},
    {"UnknownTask", {"--task", "sst-2"}, "sst2"},
    {"ColumnsOfATaskThatKnowsItsOwn", {"--task", "sst2"}, "knows its own columns"},
    {"NoSuchColumn", {"--text-column", "sentense"}, "sentence"},
    {"NoSuchFolder", {"--data", "/nowhere/at/all"}, "/nowhere/at/all"},
    {"SequencesLongerThanTheModelHolds", {"--seq-len", "64"}, "positions for 32"},
    {"NegativeBeta", {"--prune", "eager", "--beta", "-1"}, "beta"},
    {"ForceDropOfStaged", {"--prune", "staged", "--force-drop", "half"}, "force"},
    {"UpcycleWithoutLayers", {"--upcycle", "4"}, "--moe-layers"},
    {"LayersWithoutUpcycle", {"--moe-layers", "1"}, "--upcycle"},
};

class WrongFinetuning : public testing::TestWithParam<Mistake> {
 protected:
  static void SetUpTestSuite() { small_ = std::make_unique<SmallFinetuning>(); }
  static void TearDownTestSuite() { small_.reset(); }
  static std::unique_ptr<SmallFinetuning> small_;
};
std::unique_ptr<SmallFinetuning> WrongFinetuning::small_;

TEST_P(WrongFinetuning, IsOneClearError) {
  const auto run = run_program(small_->command(GetParam().name, GetParam().options));
  EXPECT_EQ(run.exit_code, 2) << run.err;
  EXPECT_THAT(run.err, HasSubstr("espalier: error: "));
  EXPECT_THAT(run.err, HasSubstr(GetParam().message));
  EXPECT_FALSE(std::filesystem::exists(small_->path(std::string(GetParam().name) + "/model")));
}

INSTANTIATE_TEST_SUITE_P(Table, WrongFinetuning, testing::ValuesIn(kMistakes),
                         [](const auto& mistake) { return std::string(mistake.param.name); });

TEST(WrongFinetuningData, LabelsThatTrainingNeverSaw) {
  const SmallFinetuning small;
  small.folder.write("task/dev.tsv", "sentence\tlabel\nw1\tmaybe\n");
  const auto run = run_program(small.command("run"));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("dev.tsv"));
  EXPECT_THAT(run.err, HasSubstr("maybe"));
}

TEST(WrongFinetuningData, PruningADenseModel) {
  const SmallFinetuning small;
  ASSERT_EQ(run_program(small.command("dense", {"--prune", "eager", "--steps", "8"})).exit_code, 0);
  const auto run = run_program({"finetune", small.path("dense/model"), "--task", "table", "--data",
                                small.path("task"), "--text-column", "sentence", "--seq-len", "32", "--prune",
                                "eager", "--out", small.path("run")});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("no MoE layers"));
}

TEST(WrongFinetuningData, ARunFolderThatExists) {
  const SmallFinetuning small;
  small.folder.write("task/README", "the task's folder is not empty");
  const auto run = run_program(small.command("task"));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--overwrite"));
}

TEST(WrongFinetuningData, ADivergingLoss) {
  const SmallFinetuning small;
  const auto run =
      run_program(small.command("run", {"--prune", "eager", "--learning-rate", "1e30", "--warmup", "0",
                                        "--clip-norm", "0", "--save-every", "1"}));
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("of step 2 is"));
}

}  // namespace
}  // namespace espalier
