#include "prune/decimal.h"

#include <fmt/format.h>

#include <cctype>

#include "base/error.h"

namespace espalier {

Fraction decimal_fraction(double value) {
  Fraction fraction;
  bool after_point = false;
  for (const char c : fmt::format("{}", value)) {
    if (c == '.') {
      after_point = true;
      continue;
    }
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
      throw InternalError(fmt::format("{} is not a plain decimal", value));
    }
    fraction.numerator = fraction.numerator * 10 + (c - '0');
    if (after_point) fraction.denominator *= 10;
  }
  return fraction;
}

}  // namespace espalier
