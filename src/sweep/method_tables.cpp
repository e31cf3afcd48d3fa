#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/quantities.h"
#include "sweep/markdown_table.h"
#include "sweep/method_comparison.h"

namespace espalier {
namespace {

struct MetricTable {
  MethodMetric metric;
  const char* title;
  const char* unit;  ///< and which way is better
  int decimals;
};

constexpr MetricTable kMetrics[] = {
    {MethodMetric::kPerplexity, "Perplexity", "lower is better", 2},
    {MethodMetric::kKlDivergence, "KL divergence from the full model", "nats a token, lower is better", 4},
    {MethodMetric::kTop1Agreement, "Same first choice as the full model",
     "percent of tokens, higher is better", 1},
};

/// A method's mean in one cell; infinity where no run of it is finished.
struct Ranked {
  std::string method;
  SeedScores scores;
  double mean = std::numeric_limits<double>::infinity();
};

class Tables {
 public:
  explicit Tables(const MethodComparison& comparison) : comparison_(comparison) {
    for (const auto& run : comparison.runs) seeds_.insert({run.seed, 0.0});
  }

  std::string of(const MetricTable& table, const std::string& text) const {
    std::vector<TableRow> rows{{"keep", "method"}};
    for (const auto& calibration : comparison_.calibrations) rows[0].push_back(calibration);
    for (const auto& keep : comparison_.keep) {
      for (const auto& method : comparison_.methods) {
        TableRow row{keep, method};
        for (const auto& calibration : comparison_.calibrations)
          row.push_back(sample_text(values_of(comparison_, table.metric, text, calibration, keep, method),
                                    seeds_.size(), table.decimals));
        rows.push_back(std::move(row));
      }
    }
    return fmt::format("## {} on {}\n\n{}, by the text that was observed.\n\n{}", table.title, text,
                       capitalised(table.unit), markdown_table(rows));
  }

  /// Who has the lowest mean perplexity, and by how much.
  std::string winners() const {
    std::vector<TableRow> rows{{"text", "keep", "calibration", "best", "perplexity", "second",
                                "best − second", "best − " + comparison_.reference}};
    for (const auto& text : comparison_.texts) {
      for (const auto& keep : comparison_.keep) {
        for (const auto& calibration : comparison_.calibrations) {
          const auto ranked = ranking(text, calibration, keep);
          if (ranked.size() < 2) continue;
          const auto reference = values_of(comparison_, MethodMetric::kPerplexity, text, calibration, keep,
                                           comparison_.reference);
          rows.push_back({text, keep, calibration, ranked[0].method, fixed_text(ranked[0].mean),
                          ranked[1].method,
                          difference_text(paired_difference(ranked[0].scores, ranked[1].scores)),
                          difference_text(paired_difference(ranked[0].scores, reference))});
        }
      }
    }
    if (rows.size() == 1) return "";
    return "## Who wins\n\nThe lowest mean perplexity, with differences over the seeds that both have and "
           "their paired "
           "95% intervals of Student's t; bold where 0 is outside. Choosing the best of many favours "
           "it.\n\n" +
           markdown_table(rows);
  }

  std::string costs() const {
    std::vector<TableRow> rows{{"method", "runs", "time", "peak memory"}};
    for (const auto& method : comparison_.methods) {
      double seconds = 0, runs = 0;
      std::uint64_t peak = 0;
      for (const auto& run : comparison_.runs) {
        if (run.method != method) continue;
        seconds += run.seconds;
        peak = std::max(peak, run.peak_rss_bytes);
        ++runs;
      }
      if (runs == 0) continue;
      rows.push_back({method, fmt::format("{:.0f}", runs), human_duration(seconds / runs),
                      human_bytes(static_cast<double>(peak))});
    }
    return "## Cost\n\nMean time to score, plan, apply and verify, observing not included; the largest "
           "resident memory of a "
           "whole run, measuring included.\n\n" +
           markdown_table(rows);
  }

 private:
  static std::string capitalised(std::string text) {
    text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
    return text;
  }

  std::vector<Ranked> ranking(const std::string& text, const std::string& calibration,
                              const std::string& keep) const {
    std::vector<Ranked> ranked;
    for (const auto& method : comparison_.methods) {
      auto scores = values_of(comparison_, MethodMetric::kPerplexity, text, calibration, keep, method);
      const auto sample = sample_of(scores);
      if (sample.n > 0) ranked.push_back({method, std::move(scores), sample.mean});
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.mean < b.mean; });
    return ranked;
  }

  const MethodComparison& comparison_;
  SeedScores seeds_;
};

std::string full_model(const MethodComparison& comparison) {
  std::vector<TableRow> rows{{"text", "tokens", "perplexity"}};
  for (const auto& text : comparison.texts) {
    const auto& result = comparison.runs.front().texts.at(text);
    rows.push_back({text, fmt::to_string(result.tokens), fixed_text(result.first_perplexity)});
  }
  return fmt::format("## The full model\n\n`{}`\n\n{}", comparison.model, markdown_table(rows));
}

}  // namespace

std::string method_markdown(const MethodComparison& comparison, const std::string& title) {
  auto text = fmt::format(
      "# {}\n\n{} of {} runs are finished. Mean ± sample standard deviation over the seeds, (n) where a cell "
      "has "
      "fewer.\n\n",
      title, comparison.runs.size(), comparison.planned);
  if (comparison.runs.empty()) return text;
  const Tables tables(comparison);
  text += full_model(comparison) + tables.winners();
  for (const auto& table : kMetrics)
    for (const auto& name : comparison.texts) text += tables.of(table, name);
  text += tables.costs();
  text.pop_back();  // one newline at the end
  return text;
}

}  // namespace espalier
