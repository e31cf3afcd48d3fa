#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace espalier {

/// Calls `body(first, last)` for parts of 0 .. count that together are all of it, on as many threads as parts
/// of `grain` are there for (one inside a parallel region). What `body` throws is thrown here, the first of
/// several.
template <typename Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body body) {
#ifdef _OPENMP
  const auto parts = std::min<std::int64_t>((count + grain - 1) / grain, omp_get_max_threads());
  if (parts > 1 && omp_in_parallel() == 0) {
    std::exception_ptr thrown;
#pragma omp parallel for schedule(static) num_threads(static_cast <int>(parts))
    for (std::int64_t part = 0; part < parts; ++part) {
      try {
        body(count * part / parts, count * (part + 1) / parts);
      } catch (...) {
#pragma omp critical
        if (!thrown) thrown = std::current_exception();
      }
    }
    if (thrown) std::rethrow_exception(thrown);
    return;
  }
#endif
  if (count > 0) body(std::int64_t{0}, count);
}

}  // namespace espalier
