#include "prune/least_squares.h"

#include <cmath>
#include <optional>

namespace espalier {
namespace {

/// Of a pivot against its equation's own diagonal: products come as float32.
constexpr double kSmallestPivot = 1e-6;

/// The unknowns: members of the groups that take part.
struct Unknowns {
  std::vector<std::size_t> expert, group;

  Unknowns(const ExpertGroups& groups, const std::vector<bool>& takes_part) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (const int member : groups[g]) {
        if (!takes_part[g]) break;
        expert.push_back(static_cast<std::size_t>(member));
        group.push_back(g);
      }
    }
  }
  std::size_t size() const { return expert.size(); }
};

/// Normal equations M c = b.
struct Equations {
  std::vector<double> matrix, right;  // [n * n], [n]
};

Equations normal_equations(const TokenSamples& samples, std::size_t E, const Unknowns& unknowns,
                           std::size_t group_count) {
  const std::size_t n = unknowns.size(), P = pair_count(E);
  Equations equations{std::vector<double>(n * n), std::vector<double>(n)};
  std::vector<double> group_gate(group_count);
  for (std::size_t s = 0; s < samples.tokens(); ++s) {
    const float* gates = samples.gates.data() + s * E;
    const float* products = samples.products.data() + s * P;
    const auto product = [&](std::size_t i, std::size_t j) {
      return static_cast<double>(products[i <= j ? pair_index(i, j, E) : pair_index(j, i, E)]);
    };
    std::fill(group_gate.begin(), group_gate.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i)
      group_gate[unknowns.group[i]] += static_cast<double>(gates[unknowns.expert[i]]);
    for (std::size_t i = 0; i < n; ++i) {
      const double own = samples.weight[s] * group_gate[unknowns.group[i]];
      if (own == 0) continue;
      for (std::size_t j = 0; j < n; ++j) {
        const double inner = product(unknowns.expert[i], unknowns.expert[j]);
        equations.matrix[i * n + j] += own * group_gate[unknowns.group[j]] * inner;
        equations.right[i] += own * static_cast<double>(gates[unknowns.expert[j]]) * inner;
      }
    }
  }
  return equations;
}

/// Cholesky in place; the first unknown whose pivot vanishes, if there is one.
std::optional<std::size_t> factorise(std::vector<double>& a, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const double diagonal = a[i * n + i];
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (j < i) {
        a[i * n + j] = sum / a[j * n + j];
      } else if (!(sum > kSmallestPivot * diagonal)) {
        return i;
      } else {
        a[i * n + i] = std::sqrt(sum);
      }
    }
  }
  return std::nullopt;
}

/// x of L L^T x = b.
std::vector<double> solve(const std::vector<double>& l, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= l[i * n + k] * b[k];
    b[i] /= l[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= l[k * n + i] * b[k];
    b[i] /= l[i * n + i];
  }
  return b;
}

}  // namespace

std::vector<std::vector<double>> least_squares_weights(const TokenSamples& samples, std::size_t experts,
                                                       const ExpertGroups& groups) {
  std::vector<bool> takes_part;
  for (const std::vector<int>& group : groups) takes_part.push_back(group.size() > 1);
  while (true) {
    const Unknowns unknowns(groups, takes_part);
    Equations equations = normal_equations(samples, experts, unknowns, groups.size());
    if (const auto vanished = factorise(equations.matrix, unknowns.size())) {
      takes_part[unknowns.group[*vanished]] = false;
      continue;
    }
    const std::vector<double> found = solve(equations.matrix, equations.right);
    std::vector<std::vector<double>> weights(groups.size());
    for (std::size_t i = 0; i < found.size(); ++i) weights[unknowns.group[i]].push_back(found[i]);
    return weights;
  }
}

}  // namespace espalier
