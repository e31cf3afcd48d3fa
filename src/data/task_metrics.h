#pragma once

#include <map>
#include <span>
#include <string>

#include "data/task.h"

// Metrics stand here and not in eval/ because they are sums over labels: without a tensor library they are
// built and tested in the core alone, also under the sanitizers, and score anybody's predictions.

namespace espalier {

/// Share of equal labels.
double accuracy(std::span<const int> predicted, std::span<const int> gold);

/// F1 of one label: 2 tp / (2 tp + fp + fn); 0 where that is 0 / 0.
double f1(std::span<const int> predicted, std::span<const int> gold, int positive);

/// Matthews' correlation of any number of labels (R_K of Gorodkin 2004; of two labels the phi coefficient).
/// 0 if all predictions, or all gold labels, are the same.
double matthews(std::span<const int> predicted, std::span<const int> gold);

/// Correlation in [-1, 1]; 0 if either side is constant, NaN if a number is not finite.
double pearson(std::span<const double> predicted, std::span<const double> gold);

/// Pearson's correlation of the ranks; equal values share their mean rank.
double spearman(std::span<const double> predicted, std::span<const double> gold);

/// Name -> value, 0 to 1 (correlations from -1).
using Metrics = std::map<std::string, double>;

/// The task's metrics over its labels' numbers. Both spans have one number for each example.
Metrics task_metrics(const Task& task, std::span<const int> predicted, std::span<const int> gold);
/// Of a regression.
Metrics task_metrics(const Task& task, std::span<const double> predicted, std::span<const double> gold);

/// The task's one number: CoLA matthews; MRPC mean of accuracy and f1; STS-B mean of pearson and spearman;
/// others accuracy.
double primary_metric(const Task& task, const Metrics& metrics);

}  // namespace espalier
