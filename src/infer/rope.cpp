#include "infer/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace espalier::infer {
namespace {

/// The pair that turns `rotations` times over the original positions.
double pair_of(double rotations, const arch::Rotary& rotary) {
  const double positions = static_cast<double>(rotary.yarn->original_positions);
  return static_cast<double>(rotary.width) * std::log(positions / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(rotary.theta));
}

/// `frequency` in radians per position as Llama 3 changes it.
double lengthened(double frequency, const arch::LongRotary& rule) {
  const double turns = frequency * static_cast<double>(rule.original_positions) / (2.0 * std::numbers::pi);
  if (turns < rule.low) return frequency / rule.factor;
  if (turns > rule.high) return frequency;
  const double kept = (turns - rule.low) / (rule.high - rule.low);
  return (1.0 - kept) * frequency / rule.factor + kept * frequency;
}

/// [width/2] radians per position.
std::vector<double> frequencies(const arch::Rotary& rotary) {
  const std::int64_t width = rotary.width;
  std::vector<double> frequencies;
  for (std::int64_t i = 0; i < width / 2; ++i)
    frequencies.push_back(std::pow(rotary.theta, -2.0 * static_cast<double>(i) / static_cast<double>(width)) /
                          rotary.linear_factor);
  if (rotary.longer)
    for (double& frequency : frequencies) frequency = lengthened(frequency, *rotary.longer);
  if (!rotary.yarn) return frequencies;
  const double last = static_cast<double>(width - 1);
  const bool whole = rotary.yarn->truncate;
  const double fast = pair_of(rotary.yarn->beta_fast, rotary), slow = pair_of(rotary.yarn->beta_slow, rotary);
  const double low = std::clamp(whole ? std::floor(fast) : fast, 0.0, last);
  double high = std::clamp(whole ? std::ceil(slow) : slow, 0.0, last);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= ramp / rotary.yarn->factor + (1.0 - ramp);
  }
  return frequencies;
}

}  // namespace

RopeTable rope_table(const arch::Rotary& rotary, std::int64_t positions) {
  const auto turns = frequencies(rotary);
  const std::int64_t pairs = rotary.width / 2;
  const double amplitude = rotary.yarn ? arch::yarn_amplitude(*rotary.yarn) : 1.0;
  RopeTable table{positions, pairs, Buffer<float>(positions * pairs), Buffer<float>(positions * pairs)};
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

RopeTables::RopeTables(const arch::ModelSpec& spec, std::int64_t positions) : positions_(positions) {
  std::vector<std::pair<arch::Rotary, std::shared_ptr<const RopeTable>>> made;
  for (const arch::BlockSpec& block : spec.blocks) {
    const arch::Rotary* rotary = arch::rotary_of(block.mixer);
    auto& table = of_block_.emplace_back();
    if (rotary == nullptr) continue;
    const auto same = std::ranges::find(made, *rotary, [](const auto& pair) { return pair.first; });
    table =
        same != made.end() ? same->second : std::make_shared<const RopeTable>(rope_table(*rotary, positions));
    if (same == made.end()) made.emplace_back(*rotary, table);
  }
}

}  // namespace espalier::infer
