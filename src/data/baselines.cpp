#include "data/baselines.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <unordered_map>

#include "base/error.h"
#include "text/basic_tokenizer.h"

namespace espalier {
namespace {

void check_splits(const TaskSplit& train, const TaskSplit& evaluated) {
  if (!train.labelled || !evaluated.labelled || train.task.labels != evaluated.task.labels ||
      train.task.kind != evaluated.task.kind) {
    throw InternalError("a baseline needs two splits of one task, with labels numbered alike");
  }
}

std::vector<int> labels_of(const TaskSplit& split) {
  std::vector<int> labels;
  for (const auto& example : split.examples) labels.push_back(example.label);
  return labels;
}

std::vector<double> values_of(const TaskSplit& split) {
  std::vector<double> values;
  for (const auto& example : split.examples) values.push_back(example.value);
  return values;
}

constexpr double kSmoothing = 0.1;  // Lidstone's; with Laplace's 1 the rare pairs drown

// Numbers the words, and the pairs of neighbouring words, that it splits off texts.
class Words {
 public:
  Words() : tokenizer_({}) {}

  /// The numbers of an example's words and pairs; new ones get new numbers, or are left out.
  enum class NewWords { kAdd, kLeaveOut };
  const std::vector<std::uint32_t>& of(const Example& example, NewWords new_words) {
    new_words_ = new_words;
    found_.clear();
    for (const auto* text : {&example.first, example.second ? &*example.second : nullptr}) {
      before_.clear();
      if (text != nullptr) tokenizer_.split(*text, *this);
    }
    return found_;
  }
  std::size_t count() const { return numbers_.size(); }

  void word(std::string_view utf8) {  // the tokenizer's sink
    const std::string text(utf8);
    number(text);
    if (!before_.empty()) number(before_ + ' ' + text);
    before_ = text;
  }
  void long_word() {}

 private:
  void number(const std::string& text) {
    if (new_words_ == NewWords::kAdd) {
      found_.push_back(numbers_.emplace(text, static_cast<std::uint32_t>(numbers_.size())).first->second);
    } else if (const auto known = numbers_.find(text); known != numbers_.end()) {
      found_.push_back(known->second);
    }
  }

  BasicTokenizer tokenizer_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::uint32_t> found_;
  std::string before_;  // the word before, in the same text
  NewWords new_words_ = NewWords::kAdd;
};

// Counts are kept sparse: a table of words times labels may be large and is nearly empty.
class NaiveBayes {
 public:
  explicit NaiveBayes(const TaskSplit& train) {
    std::vector<double> examples(train.task.labels.size()), words(train.task.labels.size());
    for (const auto& example : train.examples) {
      const auto label = static_cast<std::size_t>(example.label);
      ++examples[label];
      for (const auto word : words_.of(example, Words::NewWords::kAdd)) {
        ++words[label];
        add(word, example.label);
      }
    }
    for (std::size_t k = 0; k < examples.size(); ++k) {
      log_prior_.push_back(std::log(examples[k] / static_cast<double>(train.examples.size())));
      log_total_.push_back(std::log(words[k] + kSmoothing * static_cast<double>(words_.count())));
    }
  }

  int predict(const Example& example) {
    const auto& words = words_.of(example, Words::NewWords::kLeaveOut);
    auto scores = log_prior_;
    for (std::size_t k = 0; k < scores.size(); ++k) {
      scores[k] -= static_cast<double>(words.size()) * log_total_[k];
    }
    for (const auto word : words) {
      for (const auto& [label, times] : counts_[word]) {
        scores[static_cast<std::size_t>(label)] += std::log1p(times / kSmoothing);
      }
    }
    return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  }

 private:
  struct Count {
    int label;
    double times;
  };
  void add(std::uint32_t word, int label) {
    if (counts_.size() <= word) counts_.resize(word + 1);
    auto& counts = counts_[word];
    const auto found =
        std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.label == label; });
    if (found == counts.end()) {
      counts.push_back({label, 1.0});
    } else {
      ++found->times;
    }
  }

  Words words_;
  std::vector<std::vector<Count>> counts_;  // [word] of the labels it occurs with
  std::vector<double> log_prior_;           // [label]
  std::vector<double> log_total_;           // [label] of its words and kSmoothing more of each
};

}  // namespace

Baseline constant_baseline(const TaskSplit& train, const TaskSplit& evaluated) {
  check_splits(train, evaluated);
  const auto count = evaluated.examples.size();
  if (train.task.kind == TaskKind::kRegression) {
    double sum = 0;
    for (const auto& example : train.examples) sum += example.value;
    const std::vector<double> predicted(count, sum / static_cast<double>(train.examples.size()));
    return {"mean_value", task_metrics(train.task, predicted, values_of(evaluated))};
  }
  std::vector<std::size_t> counts(train.task.labels.size());
  for (const auto& example : train.examples) ++counts[static_cast<std::size_t>(example.label)];
  const auto largest = std::max_element(counts.begin(), counts.end()) - counts.begin();
  const std::vector<int> predicted(count, static_cast<int>(largest));
  return {"largest_class", task_metrics(train.task, predicted, labels_of(evaluated))};
}

Baseline naive_bayes_baseline(const TaskSplit& train, const TaskSplit& evaluated) {
  check_splits(train, evaluated);
  if (train.task.kind != TaskKind::kClassification) throw InternalError("naive Bayes predicts labels");
  NaiveBayes model(train);
  std::vector<int> predicted;
  for (const auto& example : evaluated.examples) predicted.push_back(model.predict(example));
  return {"naive_bayes", task_metrics(train.task, predicted, labels_of(evaluated))};
}

std::vector<Baseline> baselines(const TaskSplit& train, const TaskSplit& evaluated) {
  std::vector<Baseline> all{constant_baseline(train, evaluated)};
  if (train.task.kind == TaskKind::kClassification) all.push_back(naive_bayes_baseline(train, evaluated));
  return all;
}

}  // namespace espalier
