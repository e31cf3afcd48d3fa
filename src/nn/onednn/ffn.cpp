
#include <torch/autograd.h>

#include <array>

#include "nn/onednn/ffn_kernel.h"
#include "nn/onednn/functions.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// All rows are those of one network.
std::array<std::int32_t, 2> one_network(const torch::Tensor& x) {
  return {0, static_cast<std::int32_t>(x.size(0))};
}

struct FfnFunction : torch::autograd::Function<FfnFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& up,
                               const torch::Tensor& up_bias, const torch::Tensor& down,
                               const torch::Tensor& down_bias) {
    const auto offsets = one_network(x);
    auto h = torch::empty({x.size(0), up.size(0)}, x.options());
    auto y = torch::empty_like(x);
    ffn_forward({offsets, x.size(1), up.size(0)}, x.data_ptr<float>(), ffn_view(up, up_bias, down, down_bias),
                h.data_ptr<float>(), y.data_ptr<float>());
    context->save_for_backward({x, up, up_bias, down, down_bias, h});
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &up = saved[1], &h = saved[5];
    const auto offsets = one_network(x);
    const auto dy = gradients[0].contiguous();
    auto dx = torch::empty_like(x);
    auto dup = torch::empty_like(up), dup_bias = torch::empty_like(saved[2]);
    auto ddown = torch::empty_like(saved[3]), ddown_bias = torch::empty_like(saved[4]);
    ffn_backward({offsets, x.size(1), up.size(0)}, x.data_ptr<float>(),
                 ffn_view(up, saved[2], saved[3], saved[4]), h.data_ptr<float>(), dy.data_ptr<float>(),
                 dx.data_ptr<float>(), ffn_gradients(dup, dup_bias, ddown, ddown_bias));
    return {dx, dup, dup_bias, ddown, ddown_bias};
  }
};

}  // namespace

torch::Tensor ffn(const torch::Tensor& x, const FfnWeights& w) {
  return FfnFunction::apply(checked(x, "the FFN's input"), checked(w.up, "the FFN's up projection"),
                            checked(w.up_bias, "the FFN's up bias"),
                            checked(w.down, "the FFN's down projection"),
                            checked(w.down_bias, "the FFN's down bias"));
}

}  // namespace espalier::onednn
