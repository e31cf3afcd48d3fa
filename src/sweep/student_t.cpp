#include "sweep/student_t.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace espalier {
namespace {

/// P(|T| <= t) where t = sqrt(degrees of freedom) tan(angle), angle in [0, pi/2].
double central_probability(double angle, int degrees_of_freedom) {
  const double sine = std::sin(angle), cosine = std::cos(angle);
  const bool odd = degrees_of_freedom % 2 == 1;
  // Odd: cos + 2/3 cos^3 + (2 4)/(3 5) cos^5 + ..; even: 1 + 1/2 cos^2 + (1 3)/(2 4) cos^4 + ..
  double term = odd ? cosine : 1.0, sum = 0.0;
  for (int power = odd ? 1 : 0; power <= degrees_of_freedom - 2; power += 2) {
    sum += term;
    term *= cosine * cosine * (power + 1) / (power + 2);
  }
  return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
}

void check_degrees(int degrees_of_freedom) {
  if (degrees_of_freedom < 1)
    throw InternalError(fmt::format("Student's t with {} degrees of freedom", degrees_of_freedom));
}

}  // namespace

double student_t_probability(double t, int degrees_of_freedom) {
  check_degrees(degrees_of_freedom);
  const double angle = std::atan(std::fabs(t) / std::sqrt(degrees_of_freedom));
  const double half = central_probability(angle, degrees_of_freedom) / 2;
  return t < 0 ? 0.5 - half : 0.5 + half;
}

double student_t_quantile(double p, int degrees_of_freedom) {
  check_degrees(degrees_of_freedom);
  if (!(p > 0 && p < 1)) throw InternalError(fmt::format("Student's t: no quantile at {}", p));
  // The probability grows with the angle, so halving finds it; 100 halvings are past a double's digits.
  const double central = std::fabs(2 * p - 1);
  double low = 0, high = std::numbers::pi / 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (central_probability(middle, degrees_of_freedom) < central ? low : high) = middle;
  }
  const double t = std::sqrt(degrees_of_freedom) * std::tan((low + high) / 2);
  return p < 0.5 ? -t : t;
}

}  // namespace espalier
