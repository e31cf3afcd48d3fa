#include "nn/decoder_ops.h"

#include <algorithm>

#include "infer/rope.h"

namespace espalier {

RopeTable rope_table(const RopeConfig& config, std::int64_t width, std::int64_t positions) {
  const infer::RopeTable table = infer::rope_table(config, width, positions);
  RopeTable tensors{torch::empty({table.positions, table.pairs}),
                    torch::empty({table.positions, table.pairs})};
  std::copy_n(table.cosine.data(), table.cosine.size(), tensors.cosine.data_ptr<float>());
  std::copy_n(table.sine.data(), table.sine.size(), tensors.sine.data_ptr<float>());
  return tensors;
}

const DecoderOps& onednn_decoder_ops();
const DecoderOps& torch_decoder_ops();

const DecoderOps& decoder_ops(Backend backend) {
  return backend == Backend::kTorch ? torch_decoder_ops() : onednn_decoder_ops();
}

}  // namespace espalier
