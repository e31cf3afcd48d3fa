#include "data/task_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace espalier {
namespace {

void check_sizes(std::size_t predicted, std::size_t gold) {
  if (predicted != gold || gold == 0) {
    throw InternalError(fmt::format("{} predictions for {} examples", predicted, gold));
  }
}

bool is_constant(std::span<const double> values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *low == *high;
}

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Ranks from 1, the mean of their ranks for equal values.
std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + 1 + end) / 2;  // of begin+1 .. end
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
  }
  return ranks;
}

int positive_label(const Task& task) {
  const auto found = std::find(task.labels.begin(), task.labels.end(), task.positive);
  if (found == task.labels.end())
    throw InternalError(fmt::format("task {} has no positive label", task.name));
  return static_cast<int>(found - task.labels.begin());
}

[[noreturn]] void unknown(const Task& task, const std::string& metric) {
  throw InternalError(fmt::format("task {} cannot be measured with {}", task.name, metric));
}

}  // namespace

double accuracy(std::span<const int> predicted, std::span<const int> gold) {
  check_sizes(predicted.size(), gold.size());
  std::size_t right = 0;
  for (std::size_t i = 0; i < gold.size(); ++i) right += predicted[i] == gold[i];
  return static_cast<double>(right) / static_cast<double>(gold.size());
}

double f1(std::span<const int> predicted, std::span<const int> gold, int positive) {
  check_sizes(predicted.size(), gold.size());
  std::size_t both = 0, either = 0;  // tp; tp + fp and tp + fn together
  for (std::size_t i = 0; i < gold.size(); ++i) {
    both += predicted[i] == positive && gold[i] == positive;
    either += static_cast<std::size_t>(predicted[i] == positive) + (gold[i] == positive);
  }
  return either == 0 ? 0.0 : 2.0 * static_cast<double>(both) / static_cast<double>(either);
}

// With s examples, c right ones, p_k predictions and t_k gold labels of label k:
// (c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2)).
double matthews(std::span<const int> predicted, std::span<const int> gold) {
  check_sizes(predicted.size(), gold.size());
  struct Counts {
    std::int64_t predicted = 0, gold = 0;
  };
  std::map<int, Counts> labels;
  std::int64_t right = 0;
  for (std::size_t i = 0; i < gold.size(); ++i) {
    ++labels[predicted[i]].predicted;
    ++labels[gold[i]].gold;
    right += predicted[i] == gold[i];
  }
  const auto examples = static_cast<std::int64_t>(gold.size());
  std::int64_t covariance = right * examples;
  std::int64_t predicted_spread = examples * examples, gold_spread = predicted_spread;
  for (const auto& [label, count] : labels) {
    covariance -= count.predicted * count.gold;
    predicted_spread -= count.predicted * count.predicted;
    gold_spread -= count.gold * count.gold;
  }
  if (predicted_spread == 0 || gold_spread == 0) return 0;
  return static_cast<double>(covariance) / std::sqrt(static_cast<double>(predicted_spread)) /
         std::sqrt(static_cast<double>(gold_spread));
}

double pearson(std::span<const double> predicted, std::span<const double> gold) {
  check_sizes(predicted.size(), gold.size());
  if (!all_finite(predicted) || !all_finite(gold)) return std::numeric_limits<double>::quiet_NaN();
  if (is_constant(predicted) || is_constant(gold)) return 0;  // not by the variance, which rounding leaves
  const double predicted_mean = mean_of(predicted), gold_mean = mean_of(gold);
  double product = 0, predicted_square = 0, gold_square = 0;
  for (std::size_t i = 0; i < gold.size(); ++i) {
    const double a = predicted[i] - predicted_mean, b = gold[i] - gold_mean;
    product += a * b;
    predicted_square += a * a;
    gold_square += b * b;
  }
  return std::clamp(product / std::sqrt(predicted_square) / std::sqrt(gold_square), -1.0, 1.0);
}

double spearman(std::span<const double> predicted, std::span<const double> gold) {
  check_sizes(predicted.size(), gold.size());
  if (!all_finite(predicted) || !all_finite(gold)) return std::numeric_limits<double>::quiet_NaN();
  return pearson(ranks_of(predicted), ranks_of(gold));
}

Metrics task_metrics(const Task& task, std::span<const int> predicted, std::span<const int> gold) {
  Metrics metrics;
  for (const auto& name : task.metrics) {
    if (name == "accuracy") {
      metrics[name] = accuracy(predicted, gold);
    } else if (name == "f1") {
      metrics[name] = f1(predicted, gold, positive_label(task));
    } else if (name == "matthews") {
      metrics[name] = matthews(predicted, gold);
    } else {
      unknown(task, name);
    }
  }
  return metrics;
}

Metrics task_metrics(const Task& task, std::span<const double> predicted, std::span<const double> gold) {
  Metrics metrics;
  for (const auto& name : task.metrics) {
    if (name == "pearson") {
      metrics[name] = pearson(predicted, gold);
    } else if (name == "spearman") {
      metrics[name] = spearman(predicted, gold);
    } else {
      unknown(task, name);
    }
  }
  return metrics;
}

double primary_metric(const Task& task, const Metrics& metrics) {
  double sum = 0;
  for (const auto& name : task.primary) {
    const auto found = metrics.find(name);
    if (found == metrics.end()) {
      throw InternalError(fmt::format("task {} was not measured with {}", task.name, name));
    }
    sum += found->second;
  }
  return sum / static_cast<double>(task.primary.size());
}

}  // namespace espalier
