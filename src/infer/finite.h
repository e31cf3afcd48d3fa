#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "base/error.h"

namespace espalier::infer {

/// Whether none of n numbers is NaN or infinite. Reads them once, at the speed of memory.
inline bool all_finite(std::int64_t n, const float* x) {
  constexpr std::uint32_t kExponent = 0x7F800000;
  std::uint32_t found = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, x + i, sizeof bits);
    found |= (bits & kExponent) == kExponent ? 1U : 0U;
  }
  return found == 0;
}

[[noreturn]] inline void fail_as_not_finite(const std::string& what) {
  throw UserError(what + " that are not finite numbers (NaN or infinity)",
                  "a weight is NaN or infinite: the file is damaged, or training diverged");
}

/// Throws UserError for what a block gives, which every token passes: a model with a NaN answers nothing.
inline void expect_finite_block(std::int64_t block, std::int64_t n, const float* x) {
  if (!all_finite(n, x)) fail_as_not_finite(fmt::format("layer {} gives outputs", block));
}

/// The same for what the whole model gives.
inline void expect_finite_outputs(std::int64_t n, const float* x) {
  if (!all_finite(n, x)) fail_as_not_finite("the model gives outputs");
}

}  // namespace espalier::infer
