#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

TEST(VerifyVerb, ProvesOrNamesTheFirstDifference) {
  const fixtures::SurgeryFolder folder;
  fixtures::store_small(folder.model(), "deepseek_v3");
  folder.apply(fixtures::plan_keeping({1, 2}, {0, 1, 2}), {.groups = RouterGroups::kReset});
  // The flag comes from the record in the folder.
  const std::vector<std::string> command{"verify", folder.model(), folder.out(), "--plan",
                                         folder.plan_file()};
  const ProgramRun proof = run_program(command);
  EXPECT_EQ(proof.exit_code, 0) << proof.err;
  EXPECT_THAT(proof.out, HasSubstr("bytes identical"));
  auto as_json = command;
  as_json.emplace_back("--json");
  EXPECT_EQ(nlohmann::json::parse(run_program(as_json).out).at("identical"), true);
  std::filesystem::copy_file(folder.model() / "config.json", folder.out() / "config.json",
                             std::filesystem::copy_options::overwrite_existing);
  const ProgramRun refuted = run_program(command);
  EXPECT_EQ(refuted.exit_code, 2);
  EXPECT_EQ(refuted.out, "");
  EXPECT_THAT(refuted.err, HasSubstr("config.json"));
}

}  // namespace
}  // namespace espalier
