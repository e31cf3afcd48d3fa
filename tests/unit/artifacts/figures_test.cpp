#include "artifacts/figures.h"

#include <gtest/gtest.h>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

std::vector<Figure> one_figure() {
  Figure figure{"a-1", "Title", "Caption.", "across", "up", FigureScale::kLogarithmic, FigureScale::kLinear,
                {}};
  figure.series.push_back({"line", FigureMarks::kLine, {1, 10}, {0.5, -2}, {0, -3}, {1, 4}});
  figure.series.push_back({"points", FigureMarks::kPoints, {2}, {0}, {}, {}});
  return {figure};
}

TEST(Figures, SurviveAFile) {
  const std::string text = figures_to_json(one_figure());
  EXPECT_EQ(figures_to_json(figures_from_json(text, "f")), text);
  const auto figure = figures_from_json(text, "f").front();
  EXPECT_EQ(figure.x_scale, FigureScale::kLogarithmic);
  EXPECT_EQ(figure.series[0].high, (std::vector<double>{1, 4}));
  EXPECT_EQ(figure.series[1].marks, FigureMarks::kPoints);
}

TEST(Figures, WrongValuesAreUserErrors) {
  const auto changed = [](auto change) {
    auto figures = one_figure();
    change(figures[0]);
    return [figures] { validate(figures, "f"); };
  };
  expect_user_error(changed([](Figure& f) { f.id = "A 1"; }), {"f: the id of a figure is \"A 1\""});
  expect_user_error(changed([](Figure& f) { f.series[0].y.pop_back(); }),
                    {"the lists of \"line\" differ in length"});
  expect_user_error(changed([](Figure& f) { f.series[0].high.pop_back(); }), {"differ in length"});
  expect_user_error(changed([](Figure& f) { f.series[0].x[0] = 0; }),
                    {"figure a-1: 0 has no place on the axis"});
  auto twice = one_figure();
  twice.push_back(twice[0]);
  expect_user_error([&] { validate(twice, "f"); }, {"two figures are called a-1"});
  std::string text = figures_to_json(one_figure());
  text.replace(text.rfind("points"), 6, "dots..");
  expect_user_error([&] { figures_from_json(text, "f"); },
                    {"found \"dots..\", expected \"line\" or \"points\""});
}

}  // namespace
}  // namespace espalier
