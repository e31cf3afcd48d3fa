#pragma once

#include <cstdint>
#include <utility>

#include "base/buffer.h"
#include "base/rng.h"
#include "infer/stored_weight.h"

namespace espalier {

inline Buffer<float> random_values(Rng& rng, std::int64_t count, double deviation) {
  Buffer<float> values(count);
  for (float& value : values.span()) value = static_cast<float>(deviation * rng.normal());
  return values;
}

/// [out, in] float32, normal.
inline infer::StoredWeight random_weight(Rng& rng, std::int64_t out, std::int64_t in, double deviation) {
  return infer::stored(random_values(rng, out * in, deviation), out, in);
}

}  // namespace espalier
