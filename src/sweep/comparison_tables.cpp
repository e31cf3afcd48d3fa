#include "sweep/comparison_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/quantities.h"
#include "sweep/markdown_table.h"

namespace espalier {
namespace {

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

std::string score_table(const Comparison& comparison) {
  std::set<std::string> baselines;
  for (const auto& row : comparison.rows)
    for (const auto& [name, score] : row.baselines) baselines.insert(name);
  std::vector<TableRow> rows{{"task", "seeds"}};
  for (const auto& setting : comparison.layout.settings) rows[0].push_back(setting);
  for (const auto& name : baselines) {
    rows[0].push_back(name);
    std::replace(rows[0].back().begin(), rows[0].back().end(), '_', ' ');
  }
  for (const auto& row : comparison.rows) {
    const auto seeds = most_seeds(row);
    TableRow cells{row_title(row), fmt::to_string(seeds)};
    for (const auto& setting : comparison.layout.settings)
      cells.push_back(sample_text(row.scores.at(setting), seeds));
    for (const auto& name : baselines) {
      const auto found = row.baselines.find(name);
      cells.push_back(found == row.baselines.end() ? kAbsent : fixed_text(found->second));
    }
    rows.push_back(std::move(cells));
  }
  return markdown_table(rows);
}

std::string difference_table(const Comparison& comparison) {
  const auto pairs = compared_pairs(comparison.layout);
  if (pairs.empty()) return "";
  std::vector<TableRow> rows{{"task"}};
  for (const auto& [x, y] : pairs) rows[0].push_back(fmt::format("{} − {}", x, y));
  for (const auto& row : comparison.rows) {
    TableRow cells{row_title(row)};
    for (const auto& [x, y] : pairs)
      cells.push_back(difference_text(paired_difference(row.scores.at(x), row.scores.at(y))));
    rows.push_back(std::move(cells));
  }
  return "## Differences\n\nMean over the seeds that both have, with the paired 95% interval of Student's t; "
         "bold "
         "where 0 is outside.\n\n" +
         markdown_table(rows);
}

std::string kept_table(const Comparison& comparison) {
  const auto& layout = comparison.layout;
  std::vector<TableRow> rows{{"task"}};
  for (const auto& setting : layout.settings) {
    if (setting == layout.reference) continue;
    rows[0].push_back(setting);
    if (layout.dense && setting != layout.dense && layout.reference != layout.dense)
      rows[0].push_back(setting + ", benefit");
  }
  if (rows[0].size() == 1) return "";
  for (const auto& row : comparison.rows) {
    TableRow cells{row_title(row)};
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
  return text + "\n\n" + markdown_table(rows);
}

std::string cost_table(const Comparison& comparison) {
  std::vector<TableRow> rows{{"task", "setting", "parameters", "training", "peak memory"}};
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
         markdown_table(rows);
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
  if (comparison.tokens > 0)
    text += fmt::format(" Training tokens: {}", grouped_text(static_cast<std::uint64_t>(comparison.tokens))) +
            (comparison.token_budget ? fmt::format(" of {}.", grouped_text(*comparison.token_budget)) : ".");
  const auto note = average_note(comparison);
  if (!note.empty()) text += " " + note;
  text += "\n\n## Scores\n\n" + score_table(comparison) + difference_table(comparison) +
          kept_table(comparison) + cost_table(comparison);
  text.pop_back();  // one newline at the end
  return text;
}

}  // namespace espalier
