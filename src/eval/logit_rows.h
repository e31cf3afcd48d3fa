#pragma once

#include <cstdint>
#include <vector>

namespace espalier {

/// Rows of logits [m, V] and what is asked of each. The logits outlive it.
class LogitRows {
 public:
  LogitRows(std::int64_t m, std::int64_t V, const float* logits);

  std::int64_t count() const { return static_cast<std::int64_t>(best_.size()); }
  std::int64_t classes() const { return V_; }
  const float* row(std::int64_t i) const { return logits_ + i * V_; }
  /// The class of the largest logit, of equals the first; NaN is larger than anything.
  std::int64_t first_choice(std::int64_t i) const { return best_[static_cast<std::size_t>(i)]; }
  /// log softmax(row)[c], nats.
  double log_probability(std::int64_t i, std::int64_t c) const {
    return static_cast<double>(row(i)[c]) - log_sum(i);
  }
  /// log of the sum of the row's exponentials.
  double log_sum(std::int64_t i) const { return static_cast<double>(log_sums_[static_cast<std::size_t>(i)]); }

 private:
  std::int64_t V_;
  const float* logits_;
  std::vector<float> log_sums_;     // [m]
  std::vector<std::int64_t> best_;  // [m]
};

/// KL(softmax(a[first + i]) || softmax(b[i])) of every row of b, nats.
std::vector<double> kl_divergences(const LogitRows& a, std::int64_t first, const LogitRows& b);

}  // namespace espalier
