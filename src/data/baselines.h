#pragma once

#include <string>
#include <vector>

#include "data/task_metrics.h"
#include "data/task_split.h"

namespace espalier {

/// What a method without a model comes to: the floor that a model's metrics stand on.
struct Baseline {
  std::string name;  ///< "largest_class", "mean_value", "naive_bayes"
  Metrics metrics;   ///< on the evaluated split
};

/// The training split's most frequent label (of equals the first), or its mean value, for every example.
Baseline constant_baseline(const TaskSplit& train, const TaskSplit& evaluated);

/// Multinomial naive Bayes over BERT's words and pairs of neighbouring words, lower-cased, of both texts of a
/// pair together: argmax over labels of log P(label) + sum over words of log((n(word, label) + 0.1) /
/// (n(label)
/// + 0.1 V)), with the V words and pairs of the training split; others are passed over. Classification only.
Baseline naive_bayes_baseline(const TaskSplit& train, const TaskSplit& evaluated);

/// All that the task's kind allows. The splits have labels, numbered alike.
std::vector<Baseline> baselines(const TaskSplit& train, const TaskSplit& evaluated);

}  // namespace espalier
