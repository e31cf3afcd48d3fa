#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace espalier {

/// Largest n that `best_assignment` solves exactly; beyond, O(n^3) takes hours.
constexpr std::size_t kMostExactAssignment = 4096;

/// A permutation p of 0 .. n-1 that makes the sum of likeness[i, p[i]] as large as possible: likeness [n, n].
/// The Hungarian method by shortest augmenting paths with potentials (Kuhn 1955; Jonker and Volgenant 1987),
/// O(n^3). Above kMostExactAssignment: each row in turn takes the free column most like it. Deterministic;
/// ties go to the smaller column.
std::vector<int> best_assignment(std::span<const float> likeness, std::size_t n);

}  // namespace espalier
