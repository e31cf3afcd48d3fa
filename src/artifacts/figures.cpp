#include "artifacts/figures.h"

#include <fmt/format.h>

#include <cmath>
#include <set>
#include <tuple>

#include "artifacts/json_fields.h"
#include "base/error.h"
#include "base/files.h"
#include "base/output_path.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

constexpr const char* kCorrectTheFigure = "correct that figure, or let the run write it again";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";

ordered_json axis(const std::string& label, FigureScale scale) {
  return {{"label", label}, {"scale", scale == FigureScale::kLinear ? "linear" : "log"}};
}

ordered_json to_json(const FigureSeries& series) {
  ordered_json json{{"name", series.name},
                    {"marks", series.marks == FigureMarks::kLine ? "line" : "points"},
                    {"x", series.x},
                    {"y", series.y}};
  if (!series.low.empty()) {
    json["low"] = series.low;
    json["high"] = series.high;
  }
  return json;
}

/// One of two words.
template <typename Value>
Value choice(JsonObject& object, std::string_view key, std::string_view first, Value one,
             std::string_view second, Value two) {
  const std::string found = object.string(key);
  if (found == first) return one;
  if (found == second) return two;
  object.fail(key, fmt::format("found \"{}\", expected \"{}\" or \"{}\"", found, first, second));
}

std::pair<std::string, FigureScale> axis_from(JsonObject& figure, std::string_view key) {
  JsonObject object = figure.object(key);
  std::pair<std::string, FigureScale> result{
      object.string("label"),
      choice(object, "scale", "linear", FigureScale::kLinear, "log", FigureScale::kLogarithmic)};
  object.finish();
  return result;
}

FigureSeries series_from(JsonObject& object) {
  FigureSeries series{object.string("name"),
                      choice(object, "marks", "line", FigureMarks::kLine, "points", FigureMarks::kPoints),
                      object.numbers("x"),
                      object.numbers("y"),
                      {},
                      {}};
  if (object.has("low") || object.has("high")) {
    series.low = object.numbers("low");
    series.high = object.numbers("high");
  }
  object.finish();
  return series;
}

void check_axis(const std::vector<double>& values, FigureScale scale, std::string_view where,
                const Figure& figure) {
  for (const double value : values) {
    if (!std::isfinite(value) || (scale == FigureScale::kLogarithmic && value <= 0))
      throw UserError(fmt::format("{}: figure {}: {} has no place on the axis", where, figure.id, value),
                      kCorrectTheFigure);
  }
}

}  // namespace

void validate(const std::vector<Figure>& figures, std::string_view where) {
  std::set<std::string> ids;
  for (const Figure& figure : figures) {
    if (figure.id.empty() || figure.id.find_first_not_of(kLetters) != std::string::npos)
      throw UserError(
          fmt::format("{}: the id of a figure is \"{}\", expected small letters, digits and dashes", where,
                      figure.id),
          kCorrectTheFigure);
    if (!ids.insert(figure.id).second)
      throw UserError(fmt::format("{}: two figures are called {}", where, figure.id), kCorrectTheFigure);
    for (const FigureSeries& series : figure.series) {
      const bool whiskers = series.low.empty() && series.high.empty();
      if (series.y.size() != series.x.size() ||
          (!whiskers && (series.low.size() != series.x.size() || series.high.size() != series.x.size())))
        throw UserError(
            fmt::format("{}: figure {}: the lists of \"{}\" differ in length", where, figure.id, series.name),
            kCorrectTheFigure);
      check_axis(series.x, figure.x_scale, where, figure);
      for (const auto* values : {&series.y, &series.low, &series.high})
        check_axis(*values, figure.y_scale, where, figure);
    }
  }
}

std::string figures_to_json(const std::vector<Figure>& figures) {
  ordered_json list = ordered_json::array();
  for (const Figure& figure : figures) {
    ordered_json json{{"id", figure.id},
                      {"title", figure.title},
                      {"caption", figure.caption},
                      {"x", axis(figure.x_label, figure.x_scale)},
                      {"y", axis(figure.y_label, figure.y_scale)},
                      {"series", ordered_json::array()}};
    for (const FigureSeries& series : figure.series) json["series"].push_back(to_json(series));
    list.push_back(std::move(json));
  }
  return to_readable_json_text({{"format", "espalier.figures/1"}, {"figures", std::move(list)}});
}

std::vector<Figure> figures_from_json(std::string_view text, std::string_view where) {
  JsonObject object(parse_json(text, where), std::string(where));
  object.expect_format("figures", 1);
  std::vector<Figure> figures;
  auto entries = object.objects("figures");
  for (JsonObject& entry : entries) {
    Figure figure;
    figure.id = entry.string("id");
    if (!is_plain_file_name(figure.id)) entry.fail("id", "names a file, and cannot");
    figure.title = entry.string("title");
    figure.caption = entry.string("caption");
    std::tie(figure.x_label, figure.x_scale) = axis_from(entry, "x");
    std::tie(figure.y_label, figure.y_scale) = axis_from(entry, "y");
    auto lists = entry.objects("series");
    for (JsonObject& series : lists) figure.series.push_back(series_from(series));
    entry.finish();
    figures.push_back(std::move(figure));
  }
  object.finish();
  validate(figures, where);
  return figures;
}

void write_figures(const std::filesystem::path& file, const std::vector<Figure>& figures) {
  write_file(file, figures_to_json(figures));
}

std::vector<Figure> read_figures(const std::filesystem::path& file) {
  return figures_from_json(read_file(file), file.string());
}

}  // namespace espalier
