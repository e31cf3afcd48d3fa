#include "arch/spec.h"

#include <cmath>

namespace espalier::arch {

double yarn_mscale(double factor, double m) {
  return factor <= 1.0 ? 1.0 : 0.1 * m * std::log(factor) + 1.0;
}

double yarn_amplitude(const Yarn& yarn) {
  if (yarn.attention_factor) return *yarn.attention_factor;
  return yarn_mscale(yarn.factor, yarn.mscale) / yarn_mscale(yarn.factor, yarn.mscale_all_dim);
}

std::vector<std::int64_t> moe_layers(const ModelSpec& spec) {
  std::vector<std::int64_t> layers;
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer)
    if (spec.blocks[static_cast<std::size_t>(layer)].moe() != nullptr) layers.push_back(layer);
  return layers;
}

}  // namespace espalier::arch
