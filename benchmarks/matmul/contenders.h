#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace products {

/// c [m, n] = a [m, k] b [k, n], either stored transposed; no gaps between rows.
struct Product {
  std::int64_t m, n, k;
  bool turn_a, turn_b;
  const float *a, *b;
  float* c;
  std::int64_t a_stride() const { return turn_a ? m : k; }
  std::int64_t b_stride() const { return turn_b ? k : n; }
};

/// A way of computing it: what can be made ready for the shape is.
struct Library {
  std::string name;
  std::function<std::function<void()>(const Product&)> prepare;
};

/// Those that were found when this was built; oneDNN by each of its doors.
std::vector<Library> libraries();

}  // namespace products
