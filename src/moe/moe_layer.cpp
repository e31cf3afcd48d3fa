#include "moe/moe_layer.h"

namespace espalier {

MoeOutput forward(const Ops& ops, const MoeLayer& layer, const torch::Tensor& x, const RouterOptions& options,
                  std::uint64_t key) {
  MoeOutput output;
  output.routing = route(ops, x, layer.router, options, key);
  output.y = ops.experts(x, output.routing.gates, output.routing.accepted, layer.experts);
  return output;
}

}  // namespace espalier
