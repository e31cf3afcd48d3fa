#include <torch/autograd.h>

#include <array>

#include "nn/onednn/decoder_functions.h"
#include "nn/onednn/expert_rows.h"
#include "nn/onednn/functions.h"
#include "nn/onednn/gated_ffn_kernel.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// The last two sizes of `down` are D and F.
FfnShape shape_of(std::span<const std::int32_t> offsets, const torch::Tensor& down) {
  return {offsets, down.size(-2), down.size(-1)};
}
GatedView view(const torch::Tensor& gate_up, const torch::Tensor& down) {
  return {gate_up.data_ptr<float>(), down.data_ptr<float>()};
}

struct GatedFfnFunction : torch::autograd::Function<GatedFfnFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& gate_up,
                               const torch::Tensor& down) {
    const std::array<std::int32_t, 2> offsets{0, static_cast<std::int32_t>(x.size(0))};
    auto h = torch::empty({x.size(0), gate_up.size(0)}, x.options());
    auto y = torch::empty_like(x);
    gated_forward(shape_of(offsets, down), x.data_ptr<float>(), view(gate_up, down), h.data_ptr<float>(),
                  y.data_ptr<float>());
    context->save_for_backward({x, gate_up, down, h});
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto s = context->get_saved_variables();
    const auto dy = gradients[0].contiguous();
    const std::array<std::int32_t, 2> offsets{0, static_cast<std::int32_t>(dy.size(0))};
    auto dx = torch::empty_like(s[0]), dgate_up = torch::empty_like(s[1]), ddown = torch::empty_like(s[2]);
    gated_backward(shape_of(offsets, s[2]), s[0].data_ptr<float>(), view(s[1], s[2]), s[3].data_ptr<float>(),
                   dy.data_ptr<float>(), dx.data_ptr<float>(),
                   {dgate_up.data_ptr<float>(), ddown.data_ptr<float>()});
    return {dx, dgate_up, ddown};
  }
};

/// Each expert on its own rows, gathered side by side.
struct GatedExpertsFunction : torch::autograd::Function<GatedExpertsFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& gates,
                               const torch::Tensor& chosen, const torch::Tensor& gate_up,
                               const torch::Tensor& down) {
    const auto g = rows_by_expert(chosen, gate_up.size(0));
    const auto xs = gather(x, g);
    auto ys = torch::empty_like(xs), h = torch::empty({g.rows(), gate_up.size(1)}, x.options());
    gated_forward(shape_of(g.offset_values(), down), xs.data_ptr<float>(), view(gate_up, down),
                  h.data_ptr<float>(), ys.data_ptr<float>());
    auto y = combine(ys, g, gates);
    context->save_for_backward({xs, gates, gate_up, down, h, ys, g.offsets, g.row_token, g.row_of});
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto s = context->get_saved_variables();
    const auto &xs = s[0], &gates = s[1], &gate_up = s[2], &down = s[3], &h = s[4], &ys = s[5];
    const ExpertRows g{s[6], s[7], s[8]};
    const auto [dys, dgates] = combine_backward(gradients[0].contiguous(), ys, g, gates);
    auto dxs = torch::empty_like(xs), dgate_up = torch::empty_like(gate_up), ddown = torch::empty_like(down);
    gated_backward(shape_of(g.offset_values(), down), xs.data_ptr<float>(), view(gate_up, down),
                   h.data_ptr<float>(), dys.data_ptr<float>(), dxs.data_ptr<float>(),
                   {dgate_up.data_ptr<float>(), ddown.data_ptr<float>()});
    return {combine(dxs, g, {}), dgates, {}, dgate_up, ddown};
  }
};

}  // namespace

torch::Tensor gated_ffn(const torch::Tensor& x, const GatedWeights& w) {
  return GatedFfnFunction::apply(checked(x, "the FFN's input"), checked(w.gate_up, "the FFN's gate and up"),
                                 checked(w.down, "the FFN's down projection"));
}

torch::Tensor gated_experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                            const GatedExpertWeights& w) {
  return GatedExpertsFunction::apply(checked(x, "the experts' input"), checked(gates, "the gates"),
                                     chosen.contiguous(), checked(w.gate_up, "the experts' gate and up"),
                                     checked(w.down, "the experts' down projections"));
}

}  // namespace espalier::onednn
