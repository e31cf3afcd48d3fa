#include <fmt/format.h>

#include "base/error.h"
#include "train/onednn/functions.h"

namespace espalier {
namespace onednn {

torch::Tensor checked(const torch::Tensor& tensor, const char* what) {
  if (tensor.scalar_type() != torch::kFloat32 || !tensor.device().is_cpu())
    throw InternalError(fmt::format("onednn backend: {} is {} on {}, not float32 on the CPU", what,
                                    c10::toString(tensor.scalar_type()), tensor.device().str()));
  return tensor.contiguous();
}

c10::optional<torch::Tensor> checked_if_defined(const torch::Tensor& tensor, const char* what) {
  return tensor.defined() ? c10::make_optional(checked(tensor, what)) : c10::nullopt;
}

}  // namespace onednn

const Ops& onednn_ops() {
  static constexpr Ops table{.backend = Backend::kOneDnn,
                             .linear = onednn::linear,
                             .feed_forward = onednn::feed_forward,
                             .experts = onednn::experts,
                             .attention = onednn::attention,
                             .layer_norm = onednn::layer_norm,
                             .rms_norm = onednn::rms_norm,
                             .dropout = onednn::dropout,
                             .gelu = onednn::gelu,
                             .embed = onednn::embed,
                             .cross_entropy = onednn::cross_entropy};
  return table;
}

}  // namespace espalier
