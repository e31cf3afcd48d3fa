#include "prune/assignment.h"

#include <limits>

namespace espalier {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();

/// Rows are assigned one after another, each along the cheapest path that frees a column; potentials keep all
/// reduced costs at 0 or more.
class Hungarian {
 public:
  Hungarian(std::span<const float> likeness, std::size_t n)
      : likeness_(likeness), n_(n), row_potential_(n + 1), column_potential_(n + 1), row_of_(n + 1, n) {}

  std::vector<int> solve() {
    for (std::size_t row = 0; row < n_; ++row) assign(row);
    std::vector<int> result(n_);
    for (std::size_t column = 0; column < n_; ++column) result[row_of_[column]] = static_cast<int>(column);
    return result;
  }

 private:
  double reduced_cost(std::size_t row, std::size_t column) const {
    return -static_cast<double>(likeness_[row * n_ + column]) - row_potential_[row] -
           column_potential_[column];
  }

  void assign(std::size_t row) {
    std::vector<double> distance(n_, kFar);
    std::vector<std::size_t> before(n_, n_);  // column before on the path; n: the row itself
    std::vector<bool> done(n_, false);
    std::vector<std::size_t> scanned;
    std::size_t at = row, column_before = n_, free_column = n_;
    double length = 0;
    while (free_column == n_) {
      std::size_t nearest = n_;
      for (std::size_t column = 0; column < n_; ++column) {
        if (done[column]) continue;
        const double there = length + reduced_cost(at, column);
        if (there < distance[column]) {
          distance[column] = there;
          before[column] = column_before;
        }
        if (nearest == n_ || distance[column] < distance[nearest]) nearest = column;
      }
      length = distance[nearest];
      done[nearest] = true;
      scanned.push_back(nearest);
      column_before = nearest;
      if (row_of_[nearest] == n_)
        free_column = nearest;
      else
        at = row_of_[nearest];
    }
    row_potential_[row] += length;
    for (const std::size_t column : scanned) {
      if (column == free_column) continue;
      row_potential_[row_of_[column]] += length - distance[column];
      column_potential_[column] -= length - distance[column];
    }
    for (std::size_t column = free_column; column != n_; column = before[column])
      row_of_[column] = before[column] == n_ ? row : row_of_[before[column]];
  }

  std::span<const float> likeness_;
  std::size_t n_;
  std::vector<double> row_potential_, column_potential_;
  std::vector<std::size_t> row_of_;  // column -> row; n: free
};

std::vector<int> greedy(std::span<const float> likeness, std::size_t n) {
  std::vector<int> result(n);
  std::vector<bool> taken(n, false);
  for (std::size_t row = 0; row < n; ++row) {
    std::size_t best = n;
    for (std::size_t column = 0; column < n; ++column) {
      if (!taken[column] && (best == n || likeness[row * n + column] > likeness[row * n + best]))
        best = column;
    }
    taken[best] = true;
    result[row] = static_cast<int>(best);
  }
  return result;
}

}  // namespace

std::vector<int> best_assignment(std::span<const float> likeness, std::size_t n) {
  return n > kMostExactAssignment ? greedy(likeness, n) : Hungarian(likeness, n).solve();
}

}  // namespace espalier
