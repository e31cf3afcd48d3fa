#include "nn/decoder_ops.h"

namespace espalier {

const DecoderOps& onednn_decoder_ops();
const DecoderOps& torch_decoder_ops();

const DecoderOps& decoder_ops(Backend backend) {
  return backend == Backend::kTorch ? torch_decoder_ops() : onednn_decoder_ops();
}

}  // namespace espalier
