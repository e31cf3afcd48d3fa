#pragma once

#include "kernels/simd/bodies/vector.h"

/// Transposition within registers.
namespace espalier::simd {
namespace {

/// Lanes of (a, b) for a shuffle: `pick(lane)` counts b's from kLanes on.
template <class Pick>
ESPALIER_INLINE F shuffle(F a, F b, Pick pick) {
  I lanes{};
  for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = pick(lane);
  return __builtin_shuffle(a, b, lanes);
}

/// Transposes the 4 x 4 blocks that four vectors form in each quarter of 4 lanes.
ESPALIER_INLINE void transpose_quarters(F& a, F& b, F& c, F& d) {
  const auto low = [](int lane) ESPALIER_INLINED {
    return (lane & ~3) + (lane & 3) / 2 + (lane % 2 == 0 ? 0 : kLanes);
  };
  const auto high = [=](int lane) ESPALIER_INLINED { return low(lane) + 2; };
  const auto low_pairs = [](int lane) ESPALIER_INLINED {
    return (lane & ~3) + lane % 2 + ((lane & 2) == 0 ? 0 : kLanes);
  };
  const auto high_pairs = [=](int lane) ESPALIER_INLINED { return low_pairs(lane) + 2; };
  const F ab_low = shuffle(a, b, low), ab_high = shuffle(a, b, high);
  const F cd_low = shuffle(c, d, low), cd_high = shuffle(c, d, high);
  a = shuffle(ab_low, cd_low, low_pairs);
  b = shuffle(ab_low, cd_low, high_pairs);
  c = shuffle(ab_high, cd_high, low_pairs);
  d = shuffle(ab_high, cd_high, high_pairs);
}

/// Swaps the off-diagonal blocks of each 2 x 2 blocks of `Width` rows by `Width` lanes.
template <int Width>
ESPALIER_INLINE void swap_blocks(F (&rows)[kLanes]) {
#pragma GCC unroll 8
  for (int pair = 0; pair < kLanes / 2; ++pair) {
    const int i = pair / Width * 2 * Width + pair % Width;
    const F a = rows[i], b = rows[i + Width];
    rows[i] = shuffle(
        a, b, [](int lane) ESPALIER_INLINED { return (lane & Width) == 0 ? lane : lane - Width + kLanes; });
    rows[i + Width] = shuffle(
        a, b, [](int lane) ESPALIER_INLINED { return (lane & Width) == 0 ? lane + Width : lane + kLanes; });
  }
}

/// Transposes kLanes x kLanes: within quarters, then the quarters themselves.
ESPALIER_INLINE void transpose(F (&rows)[kLanes]) {
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) transpose_quarters(rows[i], rows[i + 1], rows[i + 2], rows[i + 3]);
  if constexpr (kLanes > 4) swap_blocks<4>(rows);
  if constexpr (kLanes > 8) swap_blocks<8>(rows);
}

/// Quarters q and q + 1 of both in turn: a's q, b's q, a's q + 1, b's q + 1.
ESPALIER_INLINE F join_quarters(F a, F b, int q) {
  return shuffle(a, b, [=](int lane) ESPALIER_INLINED {
    return (q + lane / 8) * 4 + lane % 4 + (lane / 4 % 2 == 0 ? 0 : kLanes);
  });
}

}  // namespace
}  // namespace espalier::simd
