#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string_view>

namespace espalier::train {

/// normal(0, deviation) float32 numbers that depend on seed, name and index alone.
torch::Tensor random_normal(at::IntArrayRef shape, double deviation, std::uint64_t seed,
                            std::string_view name);

}  // namespace espalier::train
