#pragma once

#include <cstdint>

/// Vectors of kLanes floats by the compiler's own vector types: the same source gives AVX-512, AVX2 or SSE2.
/// Included after kLanes is set; see kernels/simd/variants.h for why all of it is in an anonymous namespace.
#define ESPALIER_INLINE __attribute__((always_inline)) inline
#define ESPALIER_INLINED __attribute__((always_inline))  // the same, after the parameters of a lambda

namespace espalier::simd {
namespace {

using std::int64_t;

typedef float F __attribute__((vector_size(kLanes * 4)));
typedef std::int32_t I __attribute__((vector_size(kLanes * 4)));
typedef std::uint32_t U __attribute__((vector_size(kLanes * 4)));
typedef float UnalignedF __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

constexpr float kInfinity = __builtin_inff();

ESPALIER_INLINE F splat(float s) {
  return F{} + s;
}
ESPALIER_INLINE F bits_to_float(I v) {
  return reinterpret_cast<F>(v);
}
ESPALIER_INLINE I float_to_bits(F v) {
  return reinterpret_cast<I>(v);
}
/// The larger; b if either is NaN.
ESPALIER_INLINE F max(F a, F b) {
  return a > b ? a : b;
}
ESPALIER_INLINE F absolute(F v) {
  return bits_to_float(float_to_bits(v) & 0x7FFFFFFF);
}

/// How a loop body reads and writes: all lanes, or the first few at the end of a row.
struct AllLanes {
  ESPALIER_INLINE F load(const float* p, float = 0) const { return *reinterpret_cast<const UnalignedF*>(p); }
  ESPALIER_INLINE void store(float* p, F v) const { *reinterpret_cast<UnalignedF*>(p) = v; }
  /// The lanes that are there, the others 0.
  ESPALIER_INLINE F only(F v) const { return v; }
};

struct FirstLanes {
  int count;
  ESPALIER_INLINE F load(const float* p, float fill = 0) const {
    F v = splat(fill);
    for (int k = 0; k < count; ++k) v[k] = p[k];
    return v;
  }
  ESPALIER_INLINE void store(float* p, F v) const {
    for (int k = 0; k < count; ++k) p[k] = v[k];
  }
  ESPALIER_INLINE F only(F v) const {
    for (int k = count; k < kLanes; ++k) v[k] = 0;
    return v;
  }
};

/// body(j, lanes) for j = 0, kLanes, ... below n.
template <class Body>
ESPALIER_INLINE void for_lanes(int64_t n, Body body) {
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) body(j, AllLanes{});
  if (j < n) body(j, FirstLanes{static_cast<int>(n - j)});
}

/// The sum of body(j, lanes) over j = 0, kLanes, ... below n, lane by lane. Four sums at a time: one addition
/// would wait for the one before.
template <class Body>
ESPALIER_INLINE F sum_lanes(int64_t n, Body body) {
  F a{};
  F b{};
  F c{};
  F d{};
  int64_t j = 0;
  for (; j + 4 * kLanes <= n; j += 4 * kLanes) {
    a += body(j, AllLanes{});
    b += body(j + kLanes, AllLanes{});
    c += body(j + 2 * kLanes, AllLanes{});
    d += body(j + 3 * kLanes, AllLanes{});
  }
  for (; j + kLanes <= n; j += kLanes) a += body(j, AllLanes{});
  if (j < n) b += body(j, FirstLanes{static_cast<int>(n - j)});
  return (a + b) + (c + d);
}

/// Each lane's partner at `distance`, a power of two.
ESPALIER_INLINE F partners(F v, int distance) {
  I lane{};
  for (int k = 0; k < kLanes; ++k) lane[k] = k ^ distance;
  return __builtin_shuffle(v, lane);
}

ESPALIER_INLINE float sum_of_lanes(F v) {
#pragma GCC unroll 4
  for (int distance = kLanes / 2; distance > 0; distance /= 2) v += partners(v, distance);
  return v[0];
}

/// Each lane and its partner at `Distance` added up: a's where that bit of the lane's number is 0, else b's.
template <int Distance>
ESPALIER_INLINE F add_partners(F a, F b) {
  I lane{};
  I partner{};
  for (int k = 0; k < kLanes; ++k) {
    const int of_b = (k & Distance) == 0 ? 0 : kLanes;
    lane[k] = of_b + k;
    partner[k] = of_b + (k ^ Distance);
  }
  return __builtin_shuffle(a, b, lane) + __builtin_shuffle(a, b, partner);
}

/// Lane i: the sum of v[i]'s lanes, added in the order of `sum_of_lanes`; N is a power of two up to kLanes.
template <int N, int Distance = 1>
ESPALIER_INLINE F sums_of_lanes(const F* v) {
  if constexpr (Distance == kLanes) {
    return v[0];
  } else {
    const F a = sums_of_lanes<N, 2 * Distance>(v);
    if constexpr (Distance >= N)
      return add_partners<Distance>(a, a);
    else
      return add_partners<Distance>(a, sums_of_lanes<N, 2 * Distance>(v + Distance));
  }
}

ESPALIER_INLINE std::int32_t min_of_lanes(I v) {
#pragma GCC unroll 4
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
    const I other = float_to_bits(partners(bits_to_float(v), distance));
    v = v < other ? v : other;
  }
  return v[0];
}

ESPALIER_INLINE float max_of_lanes(F v) {
#pragma GCC unroll 4
  for (int distance = kLanes / 2; distance > 0; distance /= 2) v = max(v, partners(v, distance));
  return v[0];
}

}  // namespace
}  // namespace espalier::simd
