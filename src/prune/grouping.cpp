#include "prune/grouping.h"

#include <algorithm>
#include <numeric>

#include "base/nearest.h"

namespace espalier {
namespace {

constexpr int kMostSwapRounds = 100;
constexpr double kSmallestGain = 1e-12;  // of the cost: rounding must not move experts back and forth

double unlikeness(std::span<const double> s, std::size_t E, std::size_t i, std::size_t j) {
  return (s[i * E + i] + s[j * E + j]) / 2 - s[i * E + j];
}

double group_cost(std::span<const double> similarity, std::size_t E, const std::vector<int>& group) {
  double sum = 0;
  for (std::size_t a = 0; a < group.size(); ++a) {
    for (std::size_t b = a + 1; b < group.size(); ++b)
      sum +=
          unlikeness(similarity, E, static_cast<std::size_t>(group[a]), static_cast<std::size_t>(group[b]));
  }
  return group.empty() ? 0 : sum / static_cast<double>(group.size());
}

void put_in_order(ExpertGroups& groups) {
  for (std::vector<int>& group : groups) std::sort(group.begin(), group.end());
  std::sort(groups.begin(), groups.end());
}

/// All partitions into so many groups, as restricted growth strings: an expert joins one of the groups there
/// are, or opens the next.
class Partitions {
 public:
  explicit Partitions(const GroupingInput& input) : input_(input), experts_(input.use.size()) {}

  ExpertGroups best() {
    try_from(0);
    put_in_order(best_);
    return best_;
  }

 private:
  void try_from(std::size_t expert) {
    const auto missing = static_cast<std::size_t>(input_.groups) - groups_.size();
    if (experts_ - expert < missing) return;
    if (expert == experts_) {
      const double cost = grouping_cost(input_.similarity, experts_, groups_);
      if (best_.empty() || cost < best_cost_ - kSmallestGain) {
        best_ = groups_;
        best_cost_ = cost;
      }
      return;
    }
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      groups_[g].push_back(static_cast<int>(expert));
      try_from(expert + 1);
      groups_[g].pop_back();
    }
    if (missing == 0) return;
    groups_.push_back({static_cast<int>(expert)});
    try_from(expert + 1);
    groups_.pop_back();
  }

  const GroupingInput& input_;
  std::size_t experts_;
  ExpertGroups groups_, best_;
  double best_cost_ = 0;
};

/// Average linkage (UPGMA, Sokal and Michener 1958): the two groups most alike join, until so many are left.
/// Mean similarities of a joined group are the weighted means of its parts (Lance and Williams 1967).
ExpertGroups average_linkage(const GroupingInput& input) {
  const std::size_t E = input.use.size();
  ExpertGroups groups(E);
  for (std::size_t e = 0; e < E; ++e) groups[e] = {static_cast<int>(e)};
  std::vector<double> link(input.similarity.begin(), input.similarity.end());
  std::vector<std::size_t> alive(E);
  std::iota(alive.begin(), alive.end(), std::size_t{0});
  while (alive.size() > static_cast<std::size_t>(input.groups)) {
    std::size_t best_a = 0, best_b = 1;
    for (std::size_t a = 0; a < alive.size(); ++a) {
      for (std::size_t b = a + 1; b < alive.size(); ++b) {
        if (link[alive[a] * E + alive[b]] > link[alive[best_a] * E + alive[best_b]]) {
          best_a = a;
          best_b = b;
        }
      }
    }
    const std::size_t into = alive[best_a], from = alive[best_b];
    const auto own = static_cast<double>(groups[into].size()),
               other = static_cast<double>(groups[from].size());
    for (const std::size_t k : alive)
      link[into * E + k] = link[k * E + into] =
          (own * link[into * E + k] + other * link[from * E + k]) / (own + other);
    groups[into].insert(groups[into].end(), groups[from].begin(), groups[from].end());
    alive.erase(alive.begin() + static_cast<std::ptrdiff_t>(best_b));
  }
  ExpertGroups result;
  for (const std::size_t g : alive) result.push_back(groups[g]);
  put_in_order(result);
  return result;
}

/// Moves single experts, and swaps pairs, between groups while that lowers the cost.
class Swaps {
 public:
  Swaps(const GroupingInput& input, ExpertGroups groups) : input_(input), groups_(std::move(groups)) {}

  ExpertGroups run() {
    for (int round = 0; round < kMostSwapRounds; ++round) {
      bool better = false;
      for (std::size_t a = 0; a < groups_.size(); ++a) {
        for (std::size_t b = 0; b < groups_.size(); ++b) {
          if (a == b) continue;
          if (improve_move(a, b) || (a < b && improve_swap(a, b))) better = true;
        }
      }
      if (!better) break;
    }
    put_in_order(groups_);
    return groups_;
  }

 private:
  double cost(const std::vector<int>& group) const {
    return group_cost(input_.similarity, input_.use.size(), group);
  }
  bool replace_if_better(std::size_t a, std::size_t b, std::vector<int> new_a, std::vector<int> new_b) {
    const double before = cost(groups_[a]) + cost(groups_[b]);
    if (cost(new_a) + cost(new_b) >= before - kSmallestGain) return false;
    groups_[a] = std::move(new_a);
    groups_[b] = std::move(new_b);
    return true;
  }
  bool improve_move(std::size_t a, std::size_t b) {
    for (std::size_t i = 0; groups_[a].size() > 1 && i < groups_[a].size(); ++i) {
      std::vector<int> from = groups_[a], to = groups_[b];
      to.push_back(from[i]);
      from.erase(from.begin() + static_cast<std::ptrdiff_t>(i));
      if (replace_if_better(a, b, std::move(from), std::move(to))) return true;
    }
    return false;
  }
  bool improve_swap(std::size_t a, std::size_t b) {
    for (std::size_t i = 0; i < groups_[a].size(); ++i) {
      for (std::size_t j = 0; j < groups_[b].size(); ++j) {
        std::vector<int> from = groups_[a], to = groups_[b];
        std::swap(from[i], to[j]);
        if (replace_if_better(a, b, std::move(from), std::move(to))) return true;
      }
    }
    return false;
  }

  const GroupingInput& input_;
  ExpertGroups groups_;
};

ExpertGroups partition(const GroupingInput& input) {
  if (input.use.size() <= kMostPartitioned) return Partitions(input).best();
  return Swaps(input, average_linkage(input)).run();
}

/// The most used experts stay, each other joins the one it is most like (MC-SMoE, Li et al. 2024).
ExpertGroups dominant(const GroupingInput& input) {
  const std::size_t E = input.use.size();
  std::vector<std::size_t> order(E);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return input.use[a] > input.use[b]; });
  ExpertGroups groups;
  for (std::size_t g = 0; g < static_cast<std::size_t>(input.groups); ++g)
    groups.push_back({static_cast<int>(order[g])});
  for (std::size_t k = groups.size(); k < E; ++k) {
    std::size_t best = 0;
    for (std::size_t g = 1; g < groups.size(); ++g) {
      const auto leader = [&](std::size_t of) { return static_cast<std::size_t>(groups[of].front()); };
      if (input.similarity[order[k] * E + leader(g)] > input.similarity[order[k] * E + leader(best)])
        best = g;
    }
    groups[best].push_back(static_cast<int>(order[k]));
  }
  put_in_order(groups);
  return groups;
}

constexpr Grouping kGroupings[] = {
    {"partition", "least unlikeness within groups: exact up to 8 experts, else linkage, then swaps",
     partition},
    {"linkage", "average-linkage clustering", average_linkage},
    {"dominant", "the most used experts, each other joins the one it is most like", dominant},
};

}  // namespace

std::span<const Grouping> groupings() {
  return kGroupings;
}

const Grouping& find_grouping(std::string_view name) {
  return find_named(groupings(), "--grouping", name);
}

double grouping_cost(std::span<const double> similarity, std::size_t experts, const ExpertGroups& groups) {
  double cost = 0;
  for (const std::vector<int>& group : groups) cost += group_cost(similarity, experts, group);
  return cost;
}

}  // namespace espalier
