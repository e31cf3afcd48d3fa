#include "router_norm_theory/router_norm_study.h"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/base/user_error.h"

namespace espalier::examples {
namespace {

using fixtures::expect_user_error;

StudyOptions small_study() {
  StudyOptions options;
  options.setting = {
      .patterns = 40, .tokens = 10, .experts = 16, .chosen = 3, .neurons = 6, .batch = 60, .steps = 250};
  options.widths = {40, 160};
  options.drops = {0, 8, 12};
  options.fine_tune_steps = 40;
  options.test_samples = 300;
  options.seeds = 2;
  return options;
}

/// The theorem in small: relevant experts' norms grow, the others' do not, and these can go.
TEST(RouterNormStudy, RelevantExpertsAreToldApart) {
  const auto options = small_study();
  const auto result = run_study(options, {});
  ASSERT_EQ(result.changes.size(), 4U);
  ASSERT_EQ(result.pruned.size(), 2U * 2U * 3U);
  for (const auto& width : summarise(result)) EXPECT_GT(width.least_relevant, 3 * width.largest_irrelevant);
  for (const auto& pruned : result.pruned) {
    if (pruned.order != "router_norm_change") continue;
    EXPECT_GT(pruned.before, 0.99) << pruned.dropped << " dropped";
  }
}

TEST(RouterNormStudy, TheSameSeedGivesTheSameNumbers) {
  auto options = small_study();
  options.widths = {40};
  options.drops = {8};
  options.seeds = 1;
  const auto first = run_study(options, {}), second = run_study(options, {});
  EXPECT_EQ(first.changes[0].change, second.changes[0].change);
  EXPECT_EQ(first.pruned[0].after, second.pruned[0].after);
  options.seed = 43;
  EXPECT_NE(run_study(options, {}).changes[0].change, first.changes[0].change);
}

TEST(RouterNormStudy, ExponentOfAPowerLaw) {
  std::vector<WidthSummary> widths;
  for (const std::size_t d : {100U, 300U, 900U})
    widths.push_back({d, {}, {.mean = 4.0 / std::sqrt(static_cast<double>(d))}, 0, 0});
  EXPECT_NEAR(irrelevant_exponent(widths), -0.5, 1e-12);
}

TEST(RouterNormStudy, FiguresAreValid) {
  auto options = small_study();
  options.seeds = 1;
  const auto figures = study_figures(options, run_study(options, {}));
  EXPECT_NO_THROW(validate(figures, "figures"));
  EXPECT_EQ(figures_from_json(figures_to_json(figures), "figures").size(), 3U);
}

TEST(RouterNormStudy, ImpossibleSettings) {
  auto options = small_study();
  options.drops = {16};
  expect_user_error([&] { run_study(options, {}); },
                    {"16 experts to prune, the model has 16", "one must stay"});
  options = small_study();
  options.setting.chosen = 11;
  expect_user_error([&] { run_study(options, {}); }, {"--chosen 11", "all 10 tokens"});
  options = small_study();
  options.widths = {2};
  expect_user_error([&] { run_study(options, {}); }, {"2 patterns, expected at least 3"});
}

}  // namespace
}  // namespace espalier::examples
