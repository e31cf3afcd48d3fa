#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

enum class FigureScale { kLinear, kLogarithmic };
enum class FigureMarks { kLine, kPoints };

struct FigureSeries {
  std::string name;
  FigureMarks marks = FigureMarks::kLine;
  std::vector<double> x, y;       // as long as each other
  std::vector<double> low, high;  // [x] whiskers around y; both empty: none
};

struct Figure {
  std::string id;  ///< letters, digits and dashes; of its own in the file
  std::string title;
  std::string caption;  ///< one or two sentences
  std::string x_label, y_label;
  FigureScale x_scale = FigureScale::kLinear, y_scale = FigureScale::kLinear;
  std::vector<FigureSeries> series;
};

/// `figures.json`: what a study shows beside its numbers; `report` draws it. Checks lengths, names, and that
/// values on a logarithmic axis are positive. A UserError begins with `where`.
void validate(const std::vector<Figure>& figures, std::string_view where);

std::string figures_to_json(const std::vector<Figure>& figures);
/// Strict: unknown keys and wrong values are a UserError that begins with `where`. Valid.
std::vector<Figure> figures_from_json(std::string_view json, std::string_view where);

/// Atomic.
void write_figures(const std::filesystem::path& file, const std::vector<Figure>& figures);
std::vector<Figure> read_figures(const std::filesystem::path& file);

}  // namespace espalier
