#pragma once

#include <omp.h>

#include <new>
#include <type_traits>

#include "kernels/simd/bodies/vector.h"

namespace espalier::simd {
namespace {

/// Below this many elements the start of a parallel region costs more than it saves.
constexpr int64_t kSerialElements = 16384;

ESPALIER_INLINE int threads_for(int64_t elements) {
  return elements < kSerialElements ? 1 : omp_get_max_threads();
}

/// body(begin, end) over parts of 0 .. n, one part a thread. Rows must not depend on each other. A body holds
/// its operands by value and each thread has its own copy: then they stay in registers whatever the stores
/// alias.
template <class Body>
void for_rows(int64_t n, int64_t width, Body body) {
  if (n <= 0) return;
  const int threads = threads_for(n * width);
  if (threads == 1) {
    const Body own = body;
    return own(0, n);
  }
#pragma omp parallel num_threads(threads)
  {
    const int64_t count = omp_get_num_threads();
    const int64_t thread = omp_get_thread_num();
    const Body own = body;
    own(n * thread / count, n * (thread + 1) / count);
  }
}

/// The same over a flat tensor, cut at multiples of a cache line.
template <class Body>
void for_elements(int64_t count, Body body) {
  constexpr int64_t kBlock = 1024;
  for_rows((count + kBlock - 1) / kBlock, kBlock, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    body(begin * kBlock, end * kBlock < count ? end * kBlock : count);
  });
}

/// Rows are summed in chunks whose bounds depend only on n, and chunks in order: the same sum for any
/// threads.
constexpr int64_t kMostChunks = 32;
ESPALIER_INLINE int64_t chunks_of(int64_t n) {
  const int64_t chunks = (n + 31) / 32;
  return chunks < kMostChunks ? chunks : kMostChunks;
}

/// Memory for partial sums.
class Scratch {
 public:
  explicit Scratch(int64_t floats)
      : data_(static_cast<float*>(::operator new(static_cast<size_t>(floats) * sizeof(float), kLine))) {}
  ~Scratch() { ::operator delete(data_, kLine); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  float* data() const { return data_; }

 private:
  static constexpr std::align_val_t kLine{64};
  float* data_;
};

/// body(begin, end, sums) for every chunk of rows, `sums` [width] starting at zero; then totals(sums) with
/// the chunks added up in order.
template <class Body, class Totals>
void sum_over_rows(int64_t n, int64_t width, Body body, Totals totals) {
  const int64_t chunks = chunks_of(n) > 0 ? chunks_of(n) : 1;
  const int64_t pitch = (width + 15) / 16 * 16;
  const Scratch scratch(chunks * pitch);
  float* partial = scratch.data();
#pragma omp parallel for schedule(static) num_threads(threads_for(n* width))
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    float* sums = partial + chunk * pitch;
    __builtin_memset(sums, 0, static_cast<size_t>(width) * sizeof(float));
    const Body own = body;
    own(n * chunk / chunks, n * (chunk + 1) / chunks, sums);
  }
  for (int64_t chunk = 1; chunk < chunks; ++chunk) {
    const float* sums = partial + chunk * pitch;
    for_lanes(width, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      lanes.store(partial + j, lanes.load(partial + j) + lanes.load(sums + j));
    });
  }
  totals(static_cast<const float*>(partial));
}

ESPALIER_INLINE void copy_row(float* to, const float* from, int64_t d) {
  __builtin_memcpy(to, from, static_cast<size_t>(d) * sizeof(float));
}

/// lanes of `sums` += v
template <class Lanes>
ESPALIER_INLINE void add_to(float* sums, F v, Lanes lanes) {
  lanes.store(sums, lanes.load(sums) + v);
}

}  // namespace
}  // namespace espalier::simd
