#pragma once

#include <cstdint>

namespace espalier {

/// A fraction of whole numbers, wide enough for products with step and expert counts.
struct Fraction {
  __int128 numerator = 0;
  __int128 denominator = 1;
};

/// The fraction that the shortest decimal of `value` is: 0.3 is 3 / 10, though the double is a little less.
/// `value` is from 0.0001 to 10^15, so that it prints without an exponent; else InternalError.
Fraction decimal_fraction(double value);

}  // namespace espalier
