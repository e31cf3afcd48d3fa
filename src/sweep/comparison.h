#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace espalier {

/// Seed -> primary metric times 100.
using SeedScores = std::map<std::uint64_t, double>;

/// Mean of a setting's scores, and how they spread over its seeds.
struct Sample {
  std::size_t n = 0;
  double mean = 0.0;                ///< NaN without scores
  std::optional<double> deviation;  ///< sample standard deviation (n - 1), from two scores on
};
Sample sample_of(const SeedScores& scores);

/// Mean of x - y over the seeds that both have, with its 95% interval.
struct Difference {
  std::size_t n = 0;
  double mean = 0.0;                 ///< NaN without a common seed
  std::optional<double> half_width;  ///< t(0.975; n - 1) s / sqrt(n), from two seeds on
  bool excludes_zero() const;
};
Difference paired_difference(const SeedScores& x, const SeedScores& y);

/// For each seed that all tasks have, the mean over the tasks.
SeedScores mean_over_tasks(std::span<const SeedScores> tasks);

/// mean(x) / mean(reference) over their common seeds; empty without one or where the reference is not
/// positive.
std::optional<double> kept(const SeedScores& x, const SeedScores& reference);
/// (x - dense) / (reference - dense) of the means over the seeds that all three have; empty unless reference
/// - dense is above 0 by more than its 95% interval.
std::optional<double> benefit_kept(const SeedScores& x, const SeedScores& reference, const SeedScores& dense);

/// What a finished run comes to.
struct RunScore {
  std::string task, setting;
  std::uint64_t seed = 0;
  double score = 0.0;       ///< primary metric times 100
  std::int64_t tokens = 0;  ///< trained on
  std::optional<std::uint64_t> parameters;
  double train_seconds = 0.0;
  std::uint64_t peak_rss_bytes = 0;
  std::map<std::string, double> baselines;  ///< method without a model -> primary metric times 100
};

/// What is compared with what.
struct ComparisonLayout {
  std::vector<std::string> tasks, settings;  ///< in the order of the tables
  std::vector<std::string> average;          ///< the tasks that averages are over
  std::string reference;                     ///< a setting, "moe"
  std::optional<std::string> dense;          ///< the setting without experts, if there is one
};

/// A task, or an average over tasks.
struct ComparisonRow {
  std::string name;                          ///< "rte", "average", "average_without_rte"
  std::map<std::string, SeedScores> scores;  ///< by setting; one for each, maybe empty
  std::map<std::string, double> baselines;   ///< of an average: those that all its tasks have
};

struct Comparison {
  ComparisonLayout layout;
  std::vector<ComparisonRow> rows;  ///< the tasks, then the averages where there is more than one task
  std::vector<RunScore> runs;
  std::int64_t tokens = 0;                    ///< trained on, of these runs and of others that are counted
  std::optional<std::uint64_t> token_budget;  ///< that they may take
};

/// Averages are over the seeds that all their tasks have in a setting; without RTE too where it is among
/// several tasks, since the average of 2206.00277 leaves it out.
Comparison compare(ComparisonLayout layout, std::vector<RunScore> runs);

/// The pairs to subtract, {x, y} for x - y: every setting and the reference, every setting and dense.
std::vector<std::pair<std::string, std::string>> compared_pairs(const ComparisonLayout& layout);

}  // namespace espalier
