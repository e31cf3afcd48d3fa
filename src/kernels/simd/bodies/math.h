#pragma once

#include "kernels/simd/bodies/vector.h"
#include "kernels/simd/variants.h"

namespace espalier::simd {
namespace {

/// e^x for x <= 88, relative error below 1.2e-7; 0 below -87.7; NaN stays NaN. The polynomial is that of
/// Cephes' expf (Moshier), on [-ln(2)/2, ln(2)/2].
ESPALIER_INLINE F exponential(F x) {
  constexpr float kLowest = -88.0296919F;  // -127 ln(2), where the exponent below becomes that of 0
  // 1.5 * 2^23: adding it rounds to an integer; 127: that integer's low bits are then an exponent field.
  constexpr float kRounder = 12582912.0F + 127.0F;
  const F clamped = max(splat(kLowest), x);
  const F shifted = clamped * 1.44269504F + kRounder;
  const F whole = shifted - kRounder;
  const F r = (clamped - whole * 0.693359375F) + whole * 2.12194440e-4F;
  F p = splat(1.9875691500e-4F);
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  return p * bits_to_float(float_to_bits(shifted) << 23);
}

/// The normal distribution at t >= 0: `density` is exp(-t^2 / 2), `tail` the probability of more than t.
struct Normal {
  F density;
  F tail;
};

/// The tail is exp(-t^2 / 2) u q(u) with u = 1 / (1 + 0.35 t), the form of Abramowitz and
/// Stegun 7.1.26; q was fitted at Chebyshev points over t in [0, 14]: relative error 3e-7 down to 1e-30.
ESPALIER_INLINE Normal normal(F t) {
  const F density = exponential(t * t * -0.5F);
  const F u = 1.0F / (t * 0.35F + 1.0F);
  F q = splat(-0x1.e644f0p-6F);
  q = q * u + 0x1.2c2038p-3F;
  q = q * u + -0x1.0b396cp-2F;
  q = q * u + 0x1.520642p-3F;
  q = q * u + -0x1.bb21b2p-6F;
  q = q * u + 0x1.b6bdcap-4F;
  q = q * u + 0x1.e93f12p-4F;
  q = q * u + 0x1.1e8a56p-3F;
  q = q * u + 0x1.1df06ap-3F;
  return {density, q * u * density};
}

/// Dropout's hash of kLanes neighbouring elements; see dropout_keeps for the definition.
class DropoutMask {
 public:
  explicit DropoutMask(DropoutKey key) : key_(mix_key(key)) {
    for (int k = 0; k < kLanes; ++k) lane_[k] = static_cast<std::uint32_t>(k) * kIndexMultiplier + key_.add;
  }
  /// v, scaled or zero, where v holds the elements from `index` on.
  ESPALIER_INLINE F apply(F v, int64_t index) const {
    U x = lane_ + static_cast<std::uint32_t>(index) * kIndexMultiplier;
    x ^= x >> 16;
    x *= kHashMultiplier1;
    x ^= (x >> 15) ^ key_.flip;
    x *= kHashMultiplier2;
    const I keep = reinterpret_cast<I>(x) >= key_.threshold;
    return bits_to_float(float_to_bits(v * key_.scale) & keep);
  }

 private:
  MixedKey key_;
  U lane_{};
};

/// Stands in for a mask when p = 0.
struct KeepAll {
  ESPALIER_INLINE F apply(F v, int64_t) const { return v; }
};

/// body(mask) with the mask that `key` asks for.
template <class Body>
ESPALIER_INLINE void with_mask(DropoutKey key, Body body) {
  if (key.p > 0) {
    body(DropoutMask(key));
  } else {
    body(KeepAll{});
  }
}

}  // namespace
}  // namespace espalier::simd
