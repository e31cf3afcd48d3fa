#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

TEST(CheckVerb, SaysWhatFitsAndWhoCouldNotLoadIt) {
  const fixtures::SurgeryFolder folder;
  fixtures::store_small(folder.model(), "mixtral");
  const std::string model = folder.model(), plan = folder.plan_file();
  write_plan(plan, fixtures::plan_keeping({0, 1, 2}, {1, 2, 5, 6}));
  const ProgramRun text = run_program({"check", plan, model});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr(plan + " fits " + model + " (mixtral)\n"));
  EXPECT_THAT(text.out, HasSubstr("3 layers with 8 -> 4 experts"));
  EXPECT_THAT(text.out, HasSubstr("note: 4 experts a layer: transformers and llama.cpp take any count"));
  const auto json = nlohmann::json::parse(run_program({"check", plan, model, "--json"}).out);
  EXPECT_EQ(json.at("format"), "espalier.check/1");
  EXPECT_EQ(json.at("fits"), true);
  EXPECT_EQ(json.at("experts"), (std::vector<int>{4, 4, 4}));
}

TEST(CheckVerb, APlanThatDoesNotFitIsAUserError) {
  const fixtures::SurgeryFolder folder;
  fixtures::store_small(folder.model(), "mixtral");
  write_plan(folder.plan_file(), fixtures::plan_keeping({0, 1, 2}, {1, 2}, 4));
  const ProgramRun run = run_program({"check", folder.plan_file(), folder.model()});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr("layer 0: the plan is for 4 experts"));
}

}  // namespace
}  // namespace espalier
