#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "artifacts/run_manifest.h"
#include "cli/run_program.h"
#include "report/report.h"
#include "small_observations.h"
#include "unit/report/synthetic_run.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

std::string write_run(const TemporaryFolder& folder, const std::string& name) {
  std::filesystem::create_directories(folder / name);
  write_manifest(folder / name / "manifest.json", synthetic_run(name, 10).manifest);
  return (folder / name).string();
}

TEST(ReportVerb, WritesThePageOfTheRuns) {
  const TemporaryFolder folder;
  const std::string first = write_run(folder, "dense-run"), second = write_run(folder, "moe-run");
  const std::string out = (folder / "report.html").string();
  const ProgramRun run = run_program({"report", first, second, "--out", out});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr(out + ": 2 runs"));
  EXPECT_EQ(file_content(out), render_report({read_run_folder(first), read_run_folder(second)}));
  const ProgramRun json = run_program({"report", first, "--out", out, "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.out).at("runs"), nlohmann::json({first}));
}

TEST(ReportVerb, ObservationsAloneBesideAPlanOrInARun) {
  const TemporaryFolder folder;
  const std::string run_folder = write_run(folder, "run");
  const std::string file = run_folder + "/observations.safetensors", out = (folder / "report.html").string();
  write_observations(file, fixtures::small_observations());
  const std::string plan = folder.write("p.json", R"({"format": "espalier.plan/1", "router": "reroute",
    "provenance": {"criterion": "reap", "schedule": "one_shot", "seed": 1}, "experts_per_token": 2,
    "layers": [{"layer": 1, "num_experts_before": 4, "keep": [0, 1]}]})");
  const ProgramRun alone = run_program({"report", file, "--plan", plan, "--out", out});
  EXPECT_EQ(alone.exit_code, 0) << alone.err;
  EXPECT_THAT(file_content(out), ::testing::HasSubstr("id=\"lost\""));
  const ProgramRun both = run_program({"report", run_folder, "--out", out});
  EXPECT_EQ(both.exit_code, 0) << both.err;
  EXPECT_THAT(file_content(out), ::testing::AllOf(HasSubstr("id=\"machine\""), HasSubstr("id=\"use\"")));
  const ProgramRun none = run_program({"report", write_run(folder, "other"), "--plan", plan, "--out", out});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("there are no observations"));
}

TEST(ReportVerb, BadInputIsAUserError) {
  const TemporaryFolder folder;
  const std::string good = write_run(folder, "good");
  const std::string damaged = std::filesystem::path(folder.write("bad/manifest.json", "{")).parent_path();
  const std::string out = (folder / "report.html").string();
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"report", "--out", out}, "runs"},
      {{"report", good}, "--out"},
      {{"report", good, "--out", out, "--figures", out}, "good has no figures.json"},
      {{"report", good, "/nonexistent", "--out", out}, "/nonexistent"},
      {{"report", damaged, "--out", out}, damaged + "/manifest.json"},
      {{"report", good, "--out", "/nonexistent/r.html"}, "/nonexistent/r.html"},
  };
  for (const auto& [arguments, error] : cases) {
    SCOPED_TRACE(::testing::PrintToString(arguments));
    const ProgramRun run = run_program(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

}  // namespace
}  // namespace espalier
