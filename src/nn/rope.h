#pragma once

#include <torch/types.h>

#include <cstdint>

#include "arch/decoder_config.h"

namespace espalier {

/// Cosines and sines of a rotary embedding at positions 0 .. T-1, times YaRN's amplitude.
struct RopeTable {
  torch::Tensor cosine;  // [T, width/2] float32
  torch::Tensor sine;    // [T, width/2] float32

  std::int64_t positions() const { return cosine.defined() ? cosine.size(0) : 0; }
};

/// Angles position * theta^(-2i/width); with YaRN, high frequencies as they are, low ones divided by the
/// factor, and a ramp between (Peng et al. 2023, arXiv 2309.00071, 3.2).
RopeTable rope_table(const RopeConfig& config, std::int64_t width, std::int64_t positions);

}  // namespace espalier
