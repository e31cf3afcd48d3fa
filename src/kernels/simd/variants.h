#pragma once

#include "kernels/simd/kernels.h"

/// The build variants: each folder compiles bodies/ for one instruction set, with everything but its table
/// in an anonymous namespace, so that no function built for a newer machine is linked into a common one.
namespace espalier::simd {

extern const Kernels kBaselineKernels;
extern const Kernels kAvx2Kernels;    ///< x86-64-v3: AVX2, FMA
extern const Kernels kAvx512Kernels;  ///< x86-64-v4: AVX-512 F, BW, CD, DQ, VL

/// Element indices are spread by the golden ratio, then mixed by multipliers of Wellons' hash-prospector
/// (2018).
constexpr std::uint32_t kIndexMultiplier = 0x9E3779B1;
constexpr std::uint32_t kHashMultiplier1 = 0x21F0AAAD;
constexpr std::uint32_t kHashMultiplier2 = 0xD35A2D97;

/// A dropout key made ready: an element is kept if its hash, taken as signed, reaches the threshold.
struct MixedKey {
  std::uint32_t add;       ///< to the spread index
  std::uint32_t flip;      ///< into the hash between its two multiplications
  std::int32_t threshold;  ///< p * 2^32 - 2^31
  float scale;             ///< 1 / (1 - p)
};
MixedKey mix_key(DropoutKey key);

}  // namespace espalier::simd
