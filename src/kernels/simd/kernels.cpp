#include "kernels/simd/kernels.h"

#include <vector>

#include "base/instruction_set.h"
#include "kernels/simd/variants.h"

namespace espalier::simd {
namespace {

const Kernels* kernels_of(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::kAvx512) return &kAvx512Kernels;
  if (set == InstructionSet::kAvx2) return &kAvx2Kernels;
#endif
  return &kBaselineKernels;
}

std::vector<const Kernels*> find_available() {
  std::vector<const Kernels*> found;
  for (const InstructionSet set : available_instruction_sets()) found.push_back(kernels_of(set));
  return found;
}

}  // namespace

std::span<const Kernels* const> available_kernels() {
  static const std::vector<const Kernels*> available = find_available();
  return available;
}

const Kernels& kernels() {
  static const Kernels& chosen = *kernels_of(instruction_set());
  return chosen;
}

bool dropout_keeps(DropoutKey key, std::uint64_t index) {
  if (!(key.p > 0)) return true;
  const MixedKey mixed = mix_key(key);
  std::uint32_t x = static_cast<std::uint32_t>(index) * kIndexMultiplier + mixed.add;
  x ^= x >> 16;
  x *= kHashMultiplier1;
  x ^= mixed.flip ^ (x >> 15);
  x *= kHashMultiplier2;
  return static_cast<std::int32_t>(x) >= mixed.threshold;
}

MixedKey mix_key(DropoutKey key) {
  // The finalizer of splitmix64 (Steele, Lea and Flood 2014): neighbouring keys give unrelated masks.
  std::uint64_t k = key.key + 0x9E3779B97F4A7C15ULL;
  k = (k ^ (k >> 30)) * 0xBF58476D1CE4E5B9ULL;
  k = (k ^ (k >> 27)) * 0x94D049BB133111EBULL;
  k ^= k >> 31;
  const double below = static_cast<double>(key.p) * 4294967296.0 - 2147483648.0;
  return {.add = static_cast<std::uint32_t>(k),
          .flip = static_cast<std::uint32_t>(k >> 32),
          .threshold = static_cast<std::int32_t>(below < 2147483647.0 ? below : 2147483647.0),
          .scale = 1.0F / (1.0F - key.p)};
}

}  // namespace espalier::simd
