#include "sweep/setting_figures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>

#include "sweep/finished_runs.h"
#include "sweep/window_numbers.h"

namespace espalier {
namespace {

constexpr const char* kEager = "eager";

/// x -> values over seeds.
using Points = std::map<double, std::vector<double>>;

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

FigureSeries series_of(const std::string& name, FigureMarks marks, const Points& points) {
  FigureSeries series{name, marks, {}, {}, {}, {}};
  for (const auto& [x, values] : points) {
    const auto [low, high] = std::ranges::minmax(values);
    series.x.push_back(x);
    series.y.push_back(mean_of(values));
    series.low.push_back(low);
    series.high.push_back(high);
  }
  return series;
}

void add(std::vector<Figure>& figures, Figure figure) {
  if (!figure.series.empty()) figures.push_back(std::move(figure));
}

/// Fig. 1: the shares of the first window in descending order.
Figure contributions(const ComparisonLayout& layout, std::span<const RunCell> cells) {
  Figure figure{.id = "figure-1",
                .title = "What the experts contribute",
                .caption =
                    "Gate values in the first window of eager, the largest first: mean over the layers, "
                    "whiskers from the least to the largest of layers and seeds.",
                .x_label = "expert, by its share",
                .y_label = "share"};
  for (const auto& task : layout.tasks) {
    Points points;
    for (const auto& cell : cells) {
      if (cell.task != task || cell.setting != kEager || cell.windows.empty()) continue;
      for (const auto& layer : cell.windows.front().layers) {
        auto scores = layer.scores;
        std::erase_if(scores, [](double score) { return score != score; });
        std::ranges::sort(scores, std::greater<>());
        for (std::size_t i = 0; i < scores.size(); ++i)
          points[static_cast<double>(i + 1)].push_back(scores[i]);
      }
    }
    if (!points.empty()) figure.series.push_back(series_of(task, FigureMarks::kLine, points));
  }
  return figure;
}

/// Runs that prune as `eager` does and differ in no other option than `option`: with its value, as a word.
template <typename Use>
void for_each_variant(std::span<const RunCell> cells, const std::string& option, const std::string& usual,
                      const Use& use) {
  const auto rest = [&](const RunCell& cell) {
    auto options = cell.options;
    options.erase(option);
    options.erase("seed");
    return options;
  };
  for (const auto& cell : cells) {
    const bool as_eager = std::ranges::any_of(cells, [&](const RunCell& eager) {
      return eager.setting == kEager && eager.task == cell.task && rest(eager) == rest(cell);
    });
    if (!as_eager) continue;
    const auto value = cell.options.find(option);
    use(cell, value == cell.options.end() ? usual : value->second);
  }
}

/// A line for each task over the values of a number, where it takes more than one.
std::vector<FigureSeries> over_option(const ComparisonLayout& layout, std::span<const RunCell> cells,
                                      const std::string& option, const std::string& usual,
                                      const std::function<double(const RunCell&)>& value_of) {
  std::map<std::string, Points> of_task;
  for_each_variant(cells, option, usual, [&](const RunCell& cell, const std::string& word) {
    of_task[cell.task][std::stod(word)].push_back(value_of(cell));
  });
  std::vector<FigureSeries> series;
  for (const auto& task : layout.tasks)
    if (of_task[task].size() > 1) series.push_back(series_of(task, FigureMarks::kLine, of_task[task]));
  return series;
}

/// Fig. 3: a column of points for each task, a series for each criterion.
Figure by_criterion(const ComparisonLayout& layout, std::span<const RunCell> cells) {
  std::map<std::string, Points> of_criterion;
  std::vector<std::string> tasks;
  for_each_variant(cells, "criterion", "alpha", [&](const RunCell& cell, const std::string& criterion) {
    const auto place = std::ranges::find(layout.tasks, cell.task) - layout.tasks.begin() + 1;
    of_criterion[criterion][static_cast<double>(place)].push_back(score_of(cell).score);
  });
  for (std::size_t i = 0; i < layout.tasks.size(); ++i)
    tasks.push_back(fmt::format("{} {}", i + 1, layout.tasks[i]));
  Figure figure{.id = "figure-3",
                .title = "What a window measures",
                .caption = fmt::format("Score of eager by criterion: mean over the seeds, whiskers from the "
                                       "least to the largest. Tasks: {}.",
                                       fmt::join(tasks, ", ")),
                .x_label = "task",
                .y_label = "score"};
  if (of_criterion.size() < 2) return figure;
  for (const auto& [criterion, points] : of_criterion)
    figure.series.push_back(series_of(criterion, FigureMarks::kPoints, points));
  return figure;
}

constexpr const char* kOverSeeds = "Mean over the seeds, whiskers from the least to the largest.";

/// Figs. 4 and 5.
void add_numbers(const ComparisonLayout& layout, std::span<const RunCell> cells,
                 std::vector<Figure>& figures) {
  const auto score = [](const RunCell& cell) { return score_of(cell).score; };
  add(figures, {.id = "figure-4",
                .title = "Score over the windows' length",
                .caption = kOverSeeds,
                .x_label = "gamma",
                .y_label = "score",
                .series = over_option(layout, cells, "gamma", "1", score)});
  add(figures, {.id = "figure-5-score",
                .title = "Score over the threshold",
                .caption = kOverSeeds,
                .x_label = "beta",
                .y_label = "score",
                .series = over_option(layout, cells, "beta", "0.1", score)});
  add(figures, {.id = "figure-5-survivors",
                .title = "Experts that the threshold leaves at half time",
                .caption = "Before all but the best are dropped: mean over layers and seeds.",
                .x_label = "beta",
                .y_label = "experts",
                .series = over_option(layout, cells, "beta", "0.1", survivors_at_half_time)});
}

/// Fig. 6: of one run, a line for each expert of a layer.
Figure shares_of(const RunCell& cell, int layer) {
  Figure figure{
      .id = fmt::format("figure-6-{}-block-{}", cell.setting, layer),
      .title = fmt::format("Experts of block {}, {}", layer, cell.setting),
      .caption = fmt::format("Gate values of {}, seed {}, from window to window.", cell.task, cell.seed),
      .x_label = "window",
      .y_label = "share"};
  std::map<int, FigureSeries> of_expert;
  for (std::size_t w = 0; w < cell.windows.size(); ++w)
    for (const auto& one : cell.windows[w].layers)
      for (std::size_t i = 0; one.layer == layer && i < one.experts.size(); ++i) {
        if (one.scores[i] != one.scores[i]) continue;
        auto& series = of_expert[one.experts[i]];
        series.name = fmt::format("expert {}", one.experts[i]);
        series.x.push_back(static_cast<double>(w + 1));
        series.y.push_back(one.scores[i]);
      }
  for (auto& [expert, series] : of_expert) figure.series.push_back(std::move(series));
  return figure;
}

void add_shares(const ComparisonLayout& layout, std::span<const RunCell> cells,
                std::vector<Figure>& figures) {
  for (const char* setting : {"staged", kEager})
    for (const auto& task : layout.tasks) {
      const auto cell = std::ranges::find_if(cells, [&](const RunCell& one) {
        return one.task == task && one.setting == setting && !one.windows.empty();
      });
      if (cell == cells.end()) continue;
      for (const auto& layer : cell->windows.front().layers) add(figures, shares_of(*cell, layer.layer));
      break;  // of the first task
    }
}

}  // namespace

std::vector<Figure> setting_figures(const ComparisonLayout& layout, std::span<const RunCell> cells) {
  std::vector<Figure> figures;
  add(figures, contributions(layout, cells));
  add(figures, by_criterion(layout, cells));
  add_numbers(layout, cells, figures);
  add_shares(layout, cells, figures);
  return figures;
}

std::string figure_csv(const Figure& figure) {
  std::string csv = "series,x,y,low,high\n";
  for (const auto& series : figure.series)
    for (std::size_t i = 0; i < series.x.size(); ++i)
      csv += series.low.empty() ? fmt::format("{},{},{},,\n", series.name, series.x[i], series.y[i])
                                : fmt::format("{},{},{},{},{}\n", series.name, series.x[i], series.y[i],
                                              series.low[i], series.high[i]);
  return csv;
}

}  // namespace espalier
