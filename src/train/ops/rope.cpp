#include "train/ops/rope.h"

#include <algorithm>

#include "infer/rope.h"

namespace espalier {
namespace {

RopeConfig config_of(const arch::Rotary& rotary) {
  RopeConfig config;
  config.theta = rotary.theta;
  config.linear_factor = rotary.linear_factor;
  if (rotary.yarn) {
    const auto& y = *rotary.yarn;
    config.yarn = RopeConfig::Yarn{y.factor,         y.beta_fast,          y.beta_slow,       y.mscale,
                                   y.mscale_all_dim, y.original_positions, y.attention_factor};
  }
  return config;
}

}  // namespace

RopeTable rope_table(const arch::Rotary& rotary, std::int64_t positions) {
  const infer::RopeTable table = infer::rope_table(config_of(rotary), rotary.width, positions);
  RopeTable tensors{torch::empty({table.positions, table.pairs}),
                    torch::empty({table.positions, table.pairs})};
  std::copy_n(table.cosine.data(), table.cosine.size(), tensors.cosine.data_ptr<float>());
  std::copy_n(table.sine.data(), table.sine.size(), tensors.sine.data_ptr<float>());
  return tensors;
}

}  // namespace espalier
