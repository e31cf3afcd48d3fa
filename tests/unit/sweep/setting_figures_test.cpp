#include "sweep/setting_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "sweep/window_numbers.h"

namespace espalier {
namespace {

using testing::ElementsAre;

/// A run of 40 steps with 4 experts: two windows, the second ends with expert `left`.
RunCell cell(const std::string& setting, std::uint64_t seed, double accuracy, int left,
             std::map<std::string, std::string> options) {
  options["prune"] = "eager";
  options["seed"] = std::to_string(seed);
  RunCell made{.task = "rte", .setting = setting, .seed = seed, .options = options};
  made.eval = {"rte", "dev", 10, {{"accuracy", accuracy}}, {}, {}};
  made.steps = 40;
  made.windows = {{10, {{1, {0, 1, 2, 3}, {0.1, 0.6, 0.01, 0.29}, {}, {0, 1, 3}}}},
                  {20, {{1, {0, 1, 3}, {0.02, 0.58, 0.4}, {}, {left}}}}};
  return made;
}

const ComparisonLayout kLayout{{"rte"}, {"eager"}, {"rte"}, "eager", {}};

std::vector<Figure> figures_of(const std::vector<RunCell>& cells) {
  auto figures = setting_figures(kLayout, cells);
  validate(figures, "figures");
  return figures;
}

const Figure& named(const std::vector<Figure>& figures, const std::string& id) {
  for (const auto& figure : figures)
    if (figure.id == id) return figure;
  throw std::runtime_error(id);
}

TEST(SettingFigures, SortContributionsAndFollowEachExpert) {
  const auto figures = figures_of({cell("eager", 1, 0.5, 1, {})});
  const auto& shares = named(figures, "figure-1").series.at(0);
  EXPECT_EQ(shares.name, "rte");
  EXPECT_THAT(shares.y, ElementsAre(0.6, 0.29, 0.1, 0.01));
  const auto& windows = named(figures, "figure-6-eager-block-1");
  ASSERT_EQ(windows.series.size(), 4u);
  EXPECT_EQ(windows.series[3].name, "expert 3");
  EXPECT_THAT(windows.series[3].x, ElementsAre(1, 2));
  EXPECT_THAT(windows.series[3].y, ElementsAre(0.29, 0.4));
  EXPECT_THAT(windows.series[2].x, ElementsAre(1)) << "it was dropped";
}

TEST(SettingFigures, TakeSettingsThatDifferFromEagerInOneOption) {
  const auto figures =
      figures_of({cell("eager", 1, 0.5, 1, {}), cell("eager", 2, 0.7, 1, {}),
                  cell("short", 1, 0.8, 1, {{"gamma", "0.5"}}), cell("sharp", 1, 0.9, 1, {{"beta", "0.8"}}),
                  cell("both", 1, 0.2, 1, {{"beta", "0.8"}, {"gamma", "0.5"}})});
  const auto& gamma = named(figures, "figure-4").series.at(0);
  EXPECT_THAT(gamma.x, ElementsAre(0.5, 1));
  EXPECT_THAT(gamma.y, ElementsAre(80, 60));
  EXPECT_THAT(gamma.low, ElementsAre(80, 50));
  const auto& survivors = named(figures, "figure-5-survivors").series.at(0);
  EXPECT_THAT(survivors.x, ElementsAre(0.1, 0.8));
  EXPECT_THAT(survivors.y, ElementsAre(2, 2)) << "over 0.1 / 3, and over 0.8 / 3";
  EXPECT_EQ(figure_csv(named(figures, "figure-4")),
            "series,x,y,low,high\nrte,0.5,80,80,80\nrte,1,60,50,70\n");
}

TEST(SettingFigures, AreNoneOfRunsThatDoNotPrune) {
  auto dense = cell("dense", 1, 0.5, 1, {});
  dense.windows.clear();
  EXPECT_TRUE(figures_of({dense}).empty());
}

TEST(FirstWinners, AreThoseThatAreLeft) {
  const std::vector<RunCell> cells{cell("eager", 1, 0.5, 1, {}), cell("eager", 2, 0.5, 3, {})};
  EXPECT_EQ(first_winners(cells).layers, 2u);
  EXPECT_EQ(first_winners(cells).stayed, 1u);
}

}  // namespace
}  // namespace espalier
