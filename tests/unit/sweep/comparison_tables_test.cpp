#include "sweep/comparison_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace espalier {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Two tasks, three settings, three seeds; eager lacks a seed of rte.
Comparison small_comparison() {
  std::vector<RunScore> runs;
  const double of_setting[] = {57, 63, 61};
  const char* names[] = {"dense", "moe", "eager"};
  for (const std::string task : {"cola", "rte"})
    for (int setting = 0; setting < 3; ++setting)
      for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        if (setting == 2 && task == "rte" && seed == 3) continue;
        const double wobble = static_cast<double>(seed) - 2;
        runs.push_back({.task = task,
                        .setting = names[setting],
                        .seed = seed,
                        .score = of_setting[setting] + wobble * (setting + 1),
                        .parameters = 2'500'000,
                        .train_seconds = 90,
                        .peak_rss_bytes = 512'000'000,
                        .baselines = {{"constant", 0.0}}});
      }
  return compare({{"cola", "rte"}, {"dense", "moe", "eager"}, {"cola", "rte"}, "moe", "dense"},
                 std::move(runs));
}

TEST(ComparisonMarkdown, HasAllTables) {
  const auto text = comparison_markdown(small_comparison(), "grid.toml", 18);
  EXPECT_THAT(text, HasSubstr("# grid.toml\n\n17 of 18 runs are finished."));
  EXPECT_THAT(text, HasSubstr("over the seeds that all of them have: 1, 2, 3."));
  EXPECT_THAT(
      text, HasSubstr("| task        | seeds |        dense |          moe |            eager | constant |"));
  EXPECT_THAT(
      text, HasSubstr("| cola        |     3 | 57.00 ± 1.00 | 63.00 ± 2.00 |     61.00 ± 3.00 |     0.00 |"));
  EXPECT_THAT(
      text, HasSubstr("| rte         |     3 | 57.00 ± 1.00 | 63.00 ± 2.00 | 59.50 ± 2.12 (2) |     0.00 |"));
  EXPECT_THAT(text, HasSubstr("**6.00 [3.52, 8.48]**")) << "moe - dense: 5, 6, 7";
  EXPECT_THAT(text, HasSubstr("-2.00 [-4.48, 0.48]")) << "eager - moe: -3, -2, -1";
  EXPECT_THAT(text, Not(HasSubstr("**-2.00 [")));
  EXPECT_THAT(text, HasSubstr("96.8%")) << "61 / 63";
  EXPECT_THAT(text, HasSubstr("66.7%")) << "4 / 6";
  EXPECT_THAT(text, HasSubstr("2.50 M | 1 min 30 s |      512 MB |"));
  EXPECT_TRUE(text.ends_with("|\n")) << text;
}

TEST(ComparisonMarkdown, SaysThatNothingIsThereYet) {
  const auto comparison = compare({{"cola"}, {"moe"}, {"cola"}, "moe", {}}, {});
  const auto text = comparison_markdown(comparison, "grid.toml", 4);
  EXPECT_THAT(text, HasSubstr("0 of 4 runs are finished"));
  EXPECT_THAT(text, HasSubstr("| cola |     0 |   – |"));
  EXPECT_THAT(text, Not(HasSubstr("## Differences"))) << "one setting has nothing to be compared with";
  EXPECT_THAT(text, Not(HasSubstr("## Kept")));
}

TEST(ComparisonMarkdown, ShowsScoresThatAreNoNumbersAsAbsent) {
  const auto comparison = compare({{"cola"}, {"moe"}, {"cola"}, "moe", {}},
                                  {{.task = "cola", .setting = "moe", .seed = 1, .score = std::nan("")}});
  EXPECT_THAT(comparison_markdown(comparison, "g", 1), HasSubstr("| cola |     1 |   – |"));
  EXPECT_THAT(comparison_json(comparison, "g", 1), HasSubstr("\"score\": null"));
}

TEST(ComparisonJson, HoldsRunsAndWhatTheyComeTo) {
  const auto json = nlohmann::json::parse(comparison_json(small_comparison(), "grid.toml", 18));
  EXPECT_EQ(json["format"], "espalier.sweep/1");
  EXPECT_EQ(json["planned"], 18);
  EXPECT_EQ(json["finished"], 17);
  EXPECT_EQ(json["runs"].size(), 17u);
  EXPECT_EQ(json["runs"][0]["score"], 56.0);
  ASSERT_EQ(json["rows"].size(), 3u);
  EXPECT_EQ(json["rows"][2]["row"], "average");
  const auto& eager = json["rows"][0]["scores"][2];
  EXPECT_EQ(eager["setting"], "eager");
  EXPECT_EQ(eager["n"], 3);
  EXPECT_NEAR(eager["deviation"].get<double>(), 3.0, 1e-9);
  EXPECT_NEAR(eager["kept"].get<double>(), 61.0 / 63, 1e-9);
  EXPECT_NEAR(eager["benefit_kept"].get<double>(), 4.0 / 6, 1e-9);
  const auto& difference = json["rows"][0]["differences"][1];
  EXPECT_EQ(difference["setting"], "moe");
  EXPECT_EQ(difference["minus"], "dense");
  EXPECT_NEAR(difference["interval"][0].get<double>(), 6 - 4.3027 / std::sqrt(3.0), 1e-4);
  EXPECT_EQ(json["rows"][0]["baselines"]["constant"], 0.0);
}

}  // namespace
}  // namespace espalier
