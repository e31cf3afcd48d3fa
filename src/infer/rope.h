#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arch/spec.h"
#include "base/buffer.h"

namespace espalier::infer {

/// Cosines and sines of a rotary embedding at positions 0 .. T-1, times YaRN's amplitude.
struct RopeTable {
  std::int64_t positions = 0;  // T
  std::int64_t pairs = 0;      // width / 2
  Buffer<float> cosine, sine;  // [T, width/2]

  const float* cosine_at(std::int64_t position) const { return cosine.data() + position * pairs; }
  const float* sine_at(std::int64_t position) const { return sine.data() + position * pairs; }
};

/// Angles position * theta^(-2i/width); with YaRN, high frequencies as they are, low ones divided by the
/// factor, and a ramp between (Peng et al. 2023, arXiv 2309.00071, 3.2).
RopeTable rope_table(const arch::Rotary& rotary, std::int64_t positions);

/// The tables that the blocks of a model turn by: one for each rotary setting that there is.
class RopeTables {
 public:
  RopeTables(const arch::ModelSpec& spec, std::int64_t positions);

  std::int64_t positions() const { return positions_; }
  /// nullptr of a block that turns nothing.
  const RopeTable* of(std::int64_t layer) const {
    return of_block_.at(static_cast<std::size_t>(layer)).get();
  }

 private:
  std::int64_t positions_;
  std::vector<std::shared_ptr<const RopeTable>> of_block_;  // [L]
};

}  // namespace espalier::infer
