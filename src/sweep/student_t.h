#pragma once

namespace espalier {

/// P(T <= t) of Student's distribution with that many degrees of freedom, at least 1. Exact finite series of
/// Abramowitz and Stegun 26.7.3 (odd) and 26.7.4 (even).
double student_t_probability(double t, int degrees_of_freedom);

/// The t with P(T <= t) = p: 2.2622 for p 0.975 and 9 degrees of freedom. p in (0, 1).
double student_t_quantile(double p, int degrees_of_freedom);

}  // namespace espalier
