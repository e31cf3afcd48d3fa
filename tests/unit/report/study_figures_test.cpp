#include "report/study_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace espalier {
namespace {

using ::testing::HasSubstr;

TEST(StudyFigures, DrawsEverySeriesAndEscapesItsName) {
  RunFolder run;
  run.name = "a";
  Figure figure{"f", "Accuracy", "A & B.", "share", "percent", FigureScale::kLinear, FigureScale::kLinear,
                {}};
  figure.series.push_back({"<line>", FigureMarks::kLine, {0, 1, 2}, {1, 2, 4}, {0, 1, 3}, {2, 3, 5}});
  figure.series.push_back({"dots", FigureMarks::kPoints, {0, 2}, {1, 2}, {}, {}});
  run.figures = {figure};
  const std::string html = study_sections({run});
  EXPECT_THAT(html, HasSubstr("id=\"figure-f\""));
  EXPECT_THAT(html, HasSubstr("&lt;line&gt;"));
  EXPECT_THAT(html, HasSubstr("A &amp; B."));
  std::size_t circles = 0, at = 0;
  while ((at = html.find("<circle", at)) != std::string::npos) ++circles, ++at;
  EXPECT_EQ(circles, 5U);
  EXPECT_EQ(html.find("<polyline"), html.rfind("<polyline")) << "points have no line";
  EXPECT_EQ(html.find("nan"), std::string::npos);
}

TEST(StudyFigures, SeriesBeyondTheColoursAreDashed) {
  Figure figure{"f", "Title", "c", "x", "y", FigureScale::kLinear, FigureScale::kLinear, {}};
  for (int i = 0; i < 7; ++i)
    figure.series.push_back({"s" + std::to_string(i), FigureMarks::kLine, {0, 1}, {1, 2.0 + i}, {}, {}});
  const std::string svg = standalone_svg(figure);
  EXPECT_THAT(svg, ::testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, HasSubstr("<title>Title</title>"));
  EXPECT_THAT(svg, HasSubstr(">s6</text>"));
  std::size_t dashed = 0, at = 0;
  while ((at = svg.find("stroke-dasharray=\"6 4\"", at)) != std::string::npos) ++dashed, ++at;
  EXPECT_EQ(dashed, 2u) << "the seventh line, and its name's";
}

TEST(StudyFigures, NothingForOtherRuns) {
  EXPECT_EQ(study_sections({RunFolder{}}), "");
}

TEST(StudyFigures, AFlatSeriesHasAnAxis) {
  RunFolder run;
  run.figures = {{"f",
                  "t",
                  "c",
                  "x",
                  "y",
                  FigureScale::kLinear,
                  FigureScale::kLinear,
                  {{"s", FigureMarks::kLine, {1}, {3}, {}, {}}}}};
  EXPECT_EQ(study_sections({run}).find("nan"), std::string::npos);
}

}  // namespace
}  // namespace espalier
