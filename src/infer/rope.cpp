#include "infer/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace espalier::infer {
namespace {

/// The pair that turns `rotations` times over the original positions.
double pair_of(double rotations, const RopeConfig& config, std::int64_t width) {
  const double positions = static_cast<double>(config.yarn->original_positions);
  return static_cast<double>(width) * std::log(positions / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(config.theta));
}

/// [width/2] radians per position.
std::vector<double> frequencies(const RopeConfig& config, std::int64_t width) {
  std::vector<double> frequencies;
  for (std::int64_t i = 0; i < width / 2; ++i)
    frequencies.push_back(std::pow(config.theta, -2.0 * static_cast<double>(i) / static_cast<double>(width)) /
                          config.linear_factor);
  if (!config.yarn) return frequencies;
  const double last = static_cast<double>(width - 1);
  const double low = std::clamp(std::floor(pair_of(config.yarn->beta_fast, config, width)), 0.0, last);
  double high = std::clamp(std::ceil(pair_of(config.yarn->beta_slow, config, width)), 0.0, last);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= ramp / config.yarn->factor + (1.0 - ramp);
  }
  return frequencies;
}

}  // namespace

RopeTable rope_table(const RopeConfig& config, std::int64_t width, std::int64_t positions) {
  const auto turns = frequencies(config, width);
  const double amplitude = config.yarn ? yarn_amplitude(*config.yarn) : 1.0;
  RopeTable table{positions, width / 2, Buffer<float>(positions * (width / 2)),
                  Buffer<float>(positions * (width / 2))};
  float* cosine = table.cosine.data();
  float* sine = table.sine.data();
  for (std::int64_t t = 0; t < positions; ++t) {
    for (const double turn : turns) {
      const double angle = static_cast<double>(t) * turn;
      *cosine++ = static_cast<float>(amplitude * std::cos(angle));
      *sine++ = static_cast<float>(amplitude * std::sin(angle));
    }
  }
  return table;
}

}  // namespace espalier::infer
