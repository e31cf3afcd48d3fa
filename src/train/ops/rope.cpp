#include "train/ops/rope.h"

#include <algorithm>

#include "infer/rope.h"

namespace espalier {
RopeTable rope_table(const arch::Rotary& rotary, std::int64_t positions) {
  const infer::RopeTable table = infer::rope_table(rotary, positions);
  RopeTable tensors{torch::empty({table.positions, table.pairs}),
                    torch::empty({table.positions, table.pairs})};
  std::copy_n(table.cosine.data(), table.cosine.size(), tensors.cosine.data_ptr<float>());
  std::copy_n(table.sine.data(), table.sine.size(), tensors.sine.data_ptr<float>());
  return tensors;
}

}  // namespace espalier
