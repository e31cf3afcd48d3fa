#pragma once

#include <cstdint>

namespace espalier {

/// Mixes 64 bits (the finaliser of SplitMix64, Steele et al. 2014): a bijection with full avalanche.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// A random number as a function of what it is for: same seed and counters, same number, whatever ran
/// before. Training that is killed and resumed therefore draws the same numbers.
constexpr std::uint64_t counter_random(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0,
                                       std::uint64_t c = 0) {
  return mix64(mix64(mix64(mix64(seed) ^ a) ^ b) ^ c);
}

/// A sequential generator over `counter_random`; satisfies UniformRandomBitGenerator.
class Rng {
 public:
  using result_type = std::uint64_t;
  explicit constexpr Rng(std::uint64_t seed, std::uint64_t stream = 0)
      : state_(mix64(mix64(seed) ^ stream)) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~0ULL; }
  constexpr result_type operator()() { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }

  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }
  /// Uniform in [0, n), n > 0; unbiased up to 2^-64 (Lemire 2019, without rejection).
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>((*this)()) * n) >> 64);
  }
  /// Standard normal (Box-Muller, one of the pair).
  double normal();

 private:
  std::uint64_t state_;
};

}  // namespace espalier
