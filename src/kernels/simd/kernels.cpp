#include "kernels/simd/kernels.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/simd/variants.h"

namespace espalier::simd {
namespace {

std::vector<const Kernels*> find_available() {
  std::vector<const Kernels*> found{&kBaselineKernels};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v3")) found.push_back(&kAvx2Kernels);
  if (__builtin_cpu_supports("x86-64-v4")) found.push_back(&kAvx512Kernels);
#endif
  return found;
}

const Kernels& choose() {
  const auto available = available_kernels();
  const char* wanted = std::getenv("ESPALIER_ISA");
  if (wanted == nullptr || *wanted == '\0') return *available.back();
  std::string names;
  for (const Kernels* variant : available) {
    if (std::string_view(variant->isa) == wanted) return *variant;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", variant->isa);
  }
  throw UserError(fmt::format("ESPALIER_ISA is '{}', but this machine runs only: {}", wanted, names),
                  "unset ESPALIER_ISA to use the fastest");
}

}  // namespace

std::span<const Kernels* const> available_kernels() {
  static const std::vector<const Kernels*> available = find_available();
  return available;
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
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
