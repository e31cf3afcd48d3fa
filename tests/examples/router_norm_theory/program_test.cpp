#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"

namespace espalier::examples {
namespace {

using ::testing::HasSubstr;

ProgramRun theory(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), binary_dir() + "/examples/router_norm_theory");
  return run_command(std::move(arguments));
}

TEST(Theory, WritesNumbersAndCharts) {
  const TemporaryFolder folder;
  const std::string out = (folder / "run").string();
  const auto run =
      theory({"--out", out, "--widths", "30,60", "--patterns", "30", "--experts", "8", "--drops", "0,4",
              "--steps", "40", "--fine-tune-steps", "10", "--batch", "20", "--seeds", "2", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["format"], "espalier.theory/1");
  EXPECT_EQ(json["widths"].size(), 2U);
  EXPECT_EQ(json["pruned"].size(), 4U);
  EXPECT_EQ(file_content(folder / "run/theory.json"), run.out);
  EXPECT_THAT(file_content(folder / "run/report.html"), HasSubstr("figure-accuracy-over-pruning"));
}

TEST(Theory, RefusesToPruneEveryExpert) {
  const TemporaryFolder folder;
  const auto run = theory({"--out", (folder / "run").string(), "--experts", "8", "--drops", "8"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("8 experts to prune, the model has 8"));
}

}  // namespace
}  // namespace espalier::examples
