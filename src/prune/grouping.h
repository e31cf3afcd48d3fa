#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "prune/similarity.h"

namespace espalier {

/// Experts of one layer that become one: ascending numbers, groups ordered by their first.
using ExpertGroups = std::vector<std::vector<int>>;

/// What a way of grouping looks at. Experts 0 .. E-1 of one layer, or of one router group of it.
struct GroupingInput {
  std::span<const double> similarity;  // [E * E]
  std::span<const double> use;         // [E] how much each is used, for dominant experts
  int groups = 1;                      ///< how many are to be made, 1 to E
};

/// One way to group.
struct Grouping {
  std::string_view name;
  std::string_view definition;  ///< one line, for `--help` and tables
  ExpertGroups (*make)(const GroupingInput& input) = nullptr;
};

/// The table.
std::span<const Grouping> groupings();
/// Throws UserError that names the nearest one.
const Grouping& find_grouping(std::string_view name);

/// How much a grouping puts together what is not alike: the sum over groups of the unlikeness of their
/// pairs, (s_ii + s_jj) / 2 - s_ij, divided by the size of the group. Where s is an inner product that is the
/// scatter of k-means (half of it where |g| counts twice). Lower is better; 0 for single experts.
double grouping_cost(std::span<const double> similarity, std::size_t experts, const ExpertGroups& groups);

/// Largest E whose set partitions are all looked at: 4140 of 8.
constexpr std::size_t kMostPartitioned = 8;

}  // namespace espalier
