#include "sweep/method_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace espalier {
namespace {

using ::testing::HasSubstr;

MethodRun run(const std::string& calibration, const std::string& method, std::uint64_t seed,
              double perplexity) {
  MethodRun run{.calibration = calibration, .keep = "0.5", .method = method, .seed = seed};
  run.texts["wiki"] = {.first_perplexity = 20,
                       .second_perplexity = perplexity,
                       .kl_divergence = 0.1,
                       .top1_agreement = 0.75,
                       .tokens = 100};
  run.seconds = 2;
  return run;
}

MethodComparison comparison() {
  MethodComparison all{.model = "moe",
                       .reference = "random",
                       .methods = {"random", "reap"},
                       .keep = {"0.5"},
                       .calibrations = {"wiki", "news"},
                       .texts = {"wiki"}};
  all.planned = 7;
  all.runs = {run("wiki", "reap", 1, 22), run("wiki", "reap", 2, 24), run("news", "reap", 1, 30),
              run(std::string(kDataFree), "random", 1, 40), run(std::string(kDataFree), "random", 2, 44)};
  return all;
}

TEST(MethodComparison, DataFreeMethodsStandUnderEveryCalibration) {
  const auto all = comparison();
  const auto metric = MethodMetric::kPerplexity;
  EXPECT_EQ(values_of(all, metric, "wiki", "news", "0.5", "random"), (SeedScores{{1, 40}, {2, 44}}));
  EXPECT_EQ(values_of(all, metric, "wiki", "news", "0.5", "reap"), (SeedScores{{1, 30}}));
  EXPECT_EQ(values_of(all, MethodMetric::kTop1Agreement, "wiki", "wiki", "0.5", "reap"),
            (SeedScores{{1, 75}, {2, 75}}));
}

TEST(MethodComparison, TablesSayWhoWinsAndByHowMuch) {
  const auto text = method_markdown(comparison(), "methods.toml");
  EXPECT_THAT(text, HasSubstr("# methods.toml\n\n5 of 7 runs are finished."));
  EXPECT_THAT(text, HasSubstr("23.00 ± 1.41")) << "mean and sample deviation of 22 and 24";
  EXPECT_THAT(text, HasSubstr("30.00 (1)")) << "one seed of two";
  EXPECT_THAT(text, HasSubstr("-19.00 [-31.71, -6.29]"))
      << "-18 and -20: t(0.975; 1) = 12.706, sd / sqrt(2) = 1";
  EXPECT_THAT(text, HasSubstr("75.0 ± 0.0"));
}

TEST(MethodComparison, JsonHasEveryRun) {
  const auto json = nlohmann::json::parse(method_json(comparison(), "methods.toml"));
  EXPECT_EQ(json.at("format"), "espalier.methods/1");
  EXPECT_EQ(json.at("runs").size(), 5u);
  EXPECT_EQ(json.at("full").at("wiki").at("perplexity"), 20);
  EXPECT_EQ(json.at("runs")[2].at("texts").at("wiki").at("perplexity"), 30);
}

TEST(MethodComparison, FiguresHaveALineForEachMethod) {
  const auto figures = method_figures(comparison());
  ASSERT_EQ(figures.size(), 1u) << "one evaluation text";
  ASSERT_EQ(figures[0].series.size(), 2u);
  const auto& reap = figures[0].series[1];
  EXPECT_EQ(reap.name, "reap");
  EXPECT_EQ(reap.x, std::vector<double>{50});
  EXPECT_EQ(reap.y, std::vector<double>{23}) << "of the first calibration alone";
  EXPECT_EQ(reap.low, std::vector<double>{22});
  EXPECT_EQ(reap.high, std::vector<double>{24});
  EXPECT_EQ(figures_from_json(figures_to_json(figures), "test").size(), 1u);
}

TEST(MethodComparison, OfNoRunsSaysSo) {
  auto none = comparison();
  none.runs.clear();
  EXPECT_THAT(method_markdown(none, "g"), HasSubstr("0 of 7 runs are finished."));
  EXPECT_TRUE(method_figures(none).empty());
}

}  // namespace
}  // namespace espalier
