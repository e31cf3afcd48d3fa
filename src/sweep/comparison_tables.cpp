#include "sweep/comparison_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/quantities.h"

namespace espalier {
namespace {

constexpr const char* kAbsent = "\u2013";

using Row = std::vector<std::string>;

std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// A Markdown table whose columns are as wide as their longest cell; all but the first are right-aligned.
std::string table_text(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 3);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  std::string text;
  const auto add_line = [&](const auto& cell) {
    for (std::size_t i = 0; i < widths.size(); ++i) text += (i == 0 ? "| " : " | ") + cell(i);
    text += " |\n";
  };
  for (const auto& row : rows) {
    add_line([&](std::size_t i) {
      const std::string blanks(widths[i] - columns_of(row[i]), ' ');
      return i == 0 ? row[i] + blanks : blanks + row[i];
    });
    if (&row == &rows.front())
      add_line([&](std::size_t i) {
        return i == 0 ? std::string(widths[i], '-') : std::string(widths[i] - 1, '-') + ":";
      });
  }
  return text + "\n";
}

/// Two decimals, and never "-0.00".
std::string two_digits(double value) {
  if (!std::isfinite(value)) return kAbsent;
  const auto text = fmt::format("{:.2f}", value);
  return text == "-0.00" ? "0.00" : text;
}

std::string percent(const std::optional<double>& share) {
  return share ? human_percent(*share) : kAbsent;
}

std::string row_title(const ComparisonRow& row) {
  if (row.name == "average") return "**average**";
  return row.name == "average_without_rte" ? "**average without rte**" : row.name;
}

std::size_t most_seeds(const ComparisonRow& row) {
  std::size_t most = 0;
  for (const auto& [setting, scores] : row.scores) most = std::max(most, scores.size());
  return most;
}

/// "63.75 ± 1.20"; with the number of seeds where that is not the row's.
std::string sample_text(const SeedScores& scores, std::size_t expected) {
  const auto sample = sample_of(scores);
  if (sample.n == 0) return kAbsent;
  auto text = two_digits(sample.mean);
  if (sample.deviation) text += " ± " + two_digits(*sample.deviation);
  return sample.n == expected ? text : fmt::format("{} ({})", text, sample.n);
}

std::string score_table(const Comparison& comparison) {
  std::set<std::string> baselines;
  for (const auto& row : comparison.rows)
    for (const auto& [name, score] : row.baselines) baselines.insert(name);
  std::vector<Row> rows{{"task", "seeds"}};
  for (const auto& setting : comparison.layout.settings) rows[0].push_back(setting);
  for (const auto& name : baselines) {
    rows[0].push_back(name);
    std::replace(rows[0].back().begin(), rows[0].back().end(), '_', ' ');
  }
  for (const auto& row : comparison.rows) {
    const auto seeds = most_seeds(row);
    Row cells{row_title(row), fmt::to_string(seeds)};
    for (const auto& setting : comparison.layout.settings)
      cells.push_back(sample_text(row.scores.at(setting), seeds));
    for (const auto& name : baselines) {
      const auto found = row.baselines.find(name);
      cells.push_back(found == row.baselines.end() ? kAbsent : two_digits(found->second));
    }
    rows.push_back(std::move(cells));
  }
  return table_text(rows);
}

/// "-1.20 [-2.00, -0.40]", bold where 0 is outside.
std::string difference_text(const Difference& difference) {
  if (difference.n == 0) return kAbsent;
  if (!difference.half_width) return two_digits(difference.mean);
  const auto text = fmt::format("{} [{}, {}]", two_digits(difference.mean),
                                two_digits(difference.mean - *difference.half_width),
                                two_digits(difference.mean + *difference.half_width));
  return difference.excludes_zero() ? "**" + text + "**" : text;
}

std::string difference_table(const Comparison& comparison) {
  const auto pairs = compared_pairs(comparison.layout);
  if (pairs.empty()) return "";
  std::vector<Row> rows{{"task"}};
  for (const auto& [x, y] : pairs) rows[0].push_back(fmt::format("{} − {}", x, y));
  for (const auto& row : comparison.rows) {
    Row cells{row_title(row)};
    for (const auto& [x, y] : pairs)
      cells.push_back(difference_text(paired_difference(row.scores.at(x), row.scores.at(y))));
    rows.push_back(std::move(cells));
  }
  return "## Differences\n\nMean over the seeds that both have, with the paired 95% interval of Student's t; "
         "bold "
         "where 0 is outside.\n\n" +
         table_text(rows);
}

std::string kept_table(const Comparison& comparison) {
  const auto& layout = comparison.layout;
  std::vector<Row> rows{{"task"}};
  for (const auto& setting : layout.settings) {
    if (setting == layout.reference) continue;
    rows[0].push_back(setting);
    if (layout.dense && setting != layout.dense && layout.reference != layout.dense)
      rows[0].push_back(setting + ", benefit");
  }
  if (rows[0].size() == 1) return "";
  for (const auto& row : comparison.rows) {
    Row cells{row_title(row)};
    const auto& reference = row.scores.at(layout.reference);
    for (const auto& setting : layout.settings) {
      if (setting == layout.reference) continue;
      const auto& x = row.scores.at(setting);
      cells.push_back(percent(kept(x, reference)));
      if (layout.dense && setting != layout.dense && layout.reference != layout.dense)
        cells.push_back(percent(benefit_kept(x, reference, row.scores.at(*layout.dense))));
    }
    rows.push_back(std::move(cells));
  }
  auto text = fmt::format("## Kept\n\nMean score divided by that of {}.", layout.reference);
  if (layout.dense && layout.reference != layout.dense)
    text += fmt::format(" Benefit: (x − {0}) / ({1} − {0}), where {1} − {0} exceeds its interval.",
                        *layout.dense, layout.reference);
  return text + "\n\n" + table_text(rows);
}

std::string cost_table(const Comparison& comparison) {
  std::vector<Row> rows{{"task", "setting", "parameters", "training", "peak memory"}};
  for (const auto& task : comparison.layout.tasks) {
    for (const auto& setting : comparison.layout.settings) {
      double parameters = 0, seconds = 0, bytes = 0, runs = 0;
      for (const auto& run : comparison.runs) {
        if (run.task != task || run.setting != setting) continue;
        parameters += run.parameters ? static_cast<double>(*run.parameters) : std::nan("");
        seconds += run.train_seconds;
        bytes += static_cast<double>(run.peak_rss_bytes);
        ++runs;
      }
      rows.push_back({task, setting, human_count(parameters / runs), human_duration(seconds / runs),
                      human_bytes(bytes / runs)});
    }
  }
  return "## Cost\n\nMeans over the seeds: parameters of the final model, wall clock of the training steps, "
         "peak "
         "resident memory of the run.\n\n" +
         table_text(rows);
}

/// Which seeds the averages are over, where that is not the same for everybody.
std::string average_note(const Comparison& comparison) {
  for (const auto& row : comparison.rows) {
    if (row.name != "average") continue;
    std::set<std::uint64_t> seeds;
    for (const auto& [setting, scores] : row.scores)
      for (const auto& [seed, score] : scores) seeds.insert(seed);
    const auto of = fmt::format("Averages are over {}", fmt::join(comparison.layout.average, ", "));
    if (seeds.empty()) return of + ", which share no seed yet.";
    return fmt::format("{}, and over the seeds that all of them have: {}.", of, fmt::join(seeds, ", "));
  }
  return {};
}

}  // namespace

std::string comparison_markdown(const Comparison& comparison, const std::string& title, std::size_t planned) {
  auto text = fmt::format(
      "# {}\n\n{} of {} runs are finished. Scores are primary metrics of the dev split times 100, the "
      "last "
      "step's "
      "model: mean ± sample standard deviation over the seeds, (n) where a cell has fewer. Baselines need no "
      "model.",
      title, comparison.runs.size(), planned);
  const auto note = average_note(comparison);
  if (!note.empty()) text += " " + note;
  text += "\n\n## Scores\n\n" + score_table(comparison) + difference_table(comparison) +
          kept_table(comparison) + cost_table(comparison);
  text.pop_back();  // one newline at the end
  return text;
}

}  // namespace espalier
