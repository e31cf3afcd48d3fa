#include "sweep/student_t.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace espalier {
namespace {

struct TableValue {
  double p;
  int degrees_of_freedom;
  double t;
};

// As printed tables have them, to as many digits as those print.
const TableValue kTable[] = {
    {0.975, 1, 12.7062}, {0.975, 2, 4.3027},  {0.975, 3, 3.1824},  {0.975, 4, 2.7764},  {0.975, 9, 2.2622},
    {0.975, 10, 2.2281}, {0.975, 29, 2.0452}, {0.975, 30, 2.0423}, {0.975, 60, 2.0003}, {0.975, 120, 1.9799},
    {0.95, 5, 2.0150},   {0.99, 7, 2.9980},   {0.995, 9, 3.2498},  {0.9, 20, 1.3253},   {0.9995, 3, 12.9240}};
constexpr double kHalfOfTheLastDigit = 0.5e-4 + 1e-9;

TEST(StudentT, HasTheQuantilesOfThePrintedTables) {
  for (const auto& [p, degrees, t] : kTable) {
    EXPECT_NEAR(student_t_quantile(p, degrees), t, kHalfOfTheLastDigit) << p << ", " << degrees;
    EXPECT_NEAR(student_t_quantile(1 - p, degrees), -t, kHalfOfTheLastDigit) << 1 - p << ", " << degrees;
  }
}

TEST(StudentT, QuantileUndoesProbability) {
  for (const int degrees : {1, 2, 3, 8, 15, 100, 1001})
    for (const double p : {0.001, 0.2, 0.5, 0.9, 0.999})
      EXPECT_NEAR(student_t_probability(student_t_quantile(p, degrees), degrees), p, 1e-12)
          << p << ", " << degrees;
}

TEST(StudentT, HasTheClosedFormsOfOneAndTwoDegrees) {
  for (const double t : {-3.0, 0.0, 0.5, 4.0}) {
    EXPECT_NEAR(student_t_probability(t, 1), 0.5 + std::atan(t) / M_PI, 1e-15);
    EXPECT_NEAR(student_t_probability(t, 2), 0.5 + t / (2 * std::sqrt(2 + t * t)), 1e-15);
  }
}

TEST(StudentT, ComesToTheNormalDistribution) {
  EXPECT_NEAR(student_t_quantile(0.975, 100000), 1.959964, 1e-4);
}

TEST(StudentT, RefusesWhatHasNoQuantile) {
  EXPECT_THROW(student_t_quantile(0.975, 0), InternalError);
  EXPECT_THROW(student_t_quantile(1.0, 3), InternalError);
  EXPECT_THROW(student_t_quantile(std::nan(""), 3), InternalError);
}

}  // namespace
}  // namespace espalier
