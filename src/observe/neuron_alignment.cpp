#include "observe/neuron_alignment.h"

#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"
#include "prune/assignment.h"

namespace espalier {

NeuronAlignment align_neurons(const infer::GatedFfn& a, const infer::GatedFfn& b) {
  const auto D = a.width(), F = a.inner();
  infer::FfnBuffers room_a, room_b;
  const infer::ReadyFfn x = read(a, room_a), y = read(b, room_b);
  std::vector<float> products(static_cast<std::size_t>(F * F));
  kernels::gemm(F, F, D, {x.gate.floats, D}, {y.gate.floats, D, true}, 0, products.data(), F);
  kernels::gemm(F, F, D, {x.up.floats, D}, {y.up.floats, D, true}, 1, products.data(), F);
  kernels::gemm(F, F, D, {x.down.floats, F, true}, {y.down.floats, F}, 1, products.data(), F);
  NeuronAlignment alignment{best_assignment(products, static_cast<std::size_t>(F)), 0};
  for (std::size_t neuron = 0; neuron < alignment.order.size(); ++neuron)
    alignment.product += static_cast<double>(
        products[neuron * static_cast<std::size_t>(F) + static_cast<std::size_t>(alignment.order[neuron])]);
  return alignment;
}

double square_sum(const infer::GatedFfn& ffn) {
  infer::FfnBuffers room;
  const infer::ReadyFfn ready = read(ffn, room);
  const std::int64_t count = ffn.width() * ffn.inner();
  const auto& simd = simd::kernels();
  return simd.sum_of_squares(ready.gate.floats, count) + simd.sum_of_squares(ready.up.floats, count) +
         simd.sum_of_squares(ready.down.floats, count);
}

}  // namespace espalier
