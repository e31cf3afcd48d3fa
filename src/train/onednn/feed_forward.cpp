#include <torch/autograd.h>

#include <array>

#include "train/onednn/expert_rows.h"
#include "train/onednn/ffn_kernel.h"
#include "train/onednn/functions.h"
#include "train/onednn/gated_ffn_kernel.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using MaybeTensor = c10::optional<torch::Tensor>;

/// E networks' weights as autograd keeps them; gradients have the same form. Biases of gated ones are
/// undefined.
struct Networks {
  FeedForwardKind kind;
  torch::Tensor up, up_bias, down, down_bias;

  /// The last two sizes of `down` are D and F.
  FfnShape shape(std::span<const std::int32_t> offsets) const {
    return {offsets, down.size(-2), down.size(-1)};
  }
  /// Numbers of a row that are kept for backward: F, or 2F with a gate.
  std::int64_t hidden() const { return up.size(-2); }
  /// Undefined where nobody asks.
  Networks gradients(bool wanted) const {
    const auto like = [wanted](const torch::Tensor& w) {
      return wanted && w.defined() ? torch::empty_like(w) : torch::Tensor();
    };
    return {kind, like(up), like(up_bias), like(down), like(down_bias)};
  }
};

Networks networks(std::int64_t kind, const torch::Tensor& up, const MaybeTensor& up_bias,
                  const torch::Tensor& down, const MaybeTensor& down_bias) {
  return {static_cast<FeedForwardKind>(kind), up, up_bias.value_or(torch::Tensor()), down,
          down_bias.value_or(torch::Tensor())};
}

float* values_of(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

GatedView gated_view(const Networks& n) {
  return {n.up.data_ptr<float>(), n.down.data_ptr<float>()};
}

/// x, y [R, D]; h [R, hidden].
void run_forward(const Networks& n, std::span<const std::int32_t> offsets, const torch::Tensor& x,
                 torch::Tensor& h, torch::Tensor& y) {
  const auto shape = n.shape(offsets);
  if (n.kind == FeedForwardKind::kGatedSilu)
    gated_forward(shape, x.data_ptr<float>(), gated_view(n), h.data_ptr<float>(), y.data_ptr<float>());
  else
    ffn_forward(shape, x.data_ptr<float>(), ffn_view(n.up, n.up_bias, n.down, n.down_bias),
                h.data_ptr<float>(), y.data_ptr<float>());
}

/// dy, dx [R, D], dx undefined where nobody asks; the gradients of the weights where they are `wanted`.
Networks run_backward(const Networks& n, std::span<const std::int32_t> offsets, const torch::Tensor& x,
                      const torch::Tensor& h, const torch::Tensor& dy, const torch::Tensor& dx, bool wanted) {
  auto g = n.gradients(wanted);
  const auto shape = n.shape(offsets);
  if (n.kind == FeedForwardKind::kGatedSilu)
    gated_backward(shape, x.data_ptr<float>(), gated_view(n), h.data_ptr<float>(), dy.data_ptr<float>(),
                   values_of(dx), {values_of(g.up), values_of(g.down)});
  else
    ffn_backward(shape, x.data_ptr<float>(), ffn_view(n.up, n.up_bias, n.down, n.down_bias),
                 h.data_ptr<float>(), dy.data_ptr<float>(), values_of(dx),
                 {values_of(g.up), values_of(g.up_bias), values_of(g.down), values_of(g.down_bias)});
  return g;
}

/// All rows are those of one network.
std::array<std::int32_t, 2> one_network(const torch::Tensor& x) {
  return {0, static_cast<std::int32_t>(x.size(0))};
}

struct FeedForwardFunction : torch::autograd::Function<FeedForwardFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, std::int64_t kind,
                               const torch::Tensor& up, const MaybeTensor& up_bias, const torch::Tensor& down,
                               const MaybeTensor& down_bias) {
    const auto n = networks(kind, up, up_bias, down, down_bias);
    auto h = torch::empty({x.size(0), n.hidden()}, x.options());
    auto y = torch::empty_like(x);
    run_forward(n, one_network(x), x, h, y);
    context->save_for_backward({x, h, n.up, n.up_bias, n.down, n.down_bias});
    context->saved_data["kind"] = kind;
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto s = context->get_saved_variables();
    const Networks n{static_cast<FeedForwardKind>(context->saved_data["kind"].toInt()), s[2], s[3], s[4],
                     s[5]};
    const auto dy = gradients[0].contiguous();
    // Autograd counts tensors alone: x, up, ..
    torch::Tensor dx;
    if (context->needs_input_grad(0)) dx = torch::empty_like(s[0]);
    const auto g = run_backward(n, one_network(dy), s[0], s[1], dy, dx, context->needs_input_grad(1));
    return {dx, {}, g.up, g.up_bias, g.down, g.down_bias};
  }
};

/// Each expert's network on its own rows, gathered side by side.
struct ExpertsFunction : torch::autograd::Function<ExpertsFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& gates,
                               const torch::Tensor& chosen, std::int64_t kind, const torch::Tensor& up,
                               const MaybeTensor& up_bias, const torch::Tensor& down,
                               const MaybeTensor& down_bias, const ExpertOutputsTap* tap) {
    const auto n = networks(kind, up, up_bias, down, down_bias);
    const auto g = rows_by_expert(chosen, up.size(0));
    const auto xs = gather(x, g);
    auto ys = torch::empty_like(xs), h = torch::empty({g.rows(), n.hidden()}, x.options());
    run_forward(n, g.offset_values(), xs, h, ys);
    auto y = combine(ys, g, gates);
    show(*tap, ys, g, gates);
    context->save_for_backward(
        {xs, gates, h, ys, g.offsets, g.row_token, g.row_of, n.up, n.up_bias, n.down, n.down_bias});
    context->saved_data["kind"] = kind;
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto s = context->get_saved_variables();
    const auto &xs = s[0], &gates = s[1], &h = s[2], &ys = s[3];
    const ExpertRows rows{s[4], s[5], s[6]};
    const Networks n{static_cast<FeedForwardKind>(context->saved_data["kind"].toInt()), s[7], s[8], s[9],
                     s[10]};
    const auto [dys, dgates] = combine_backward(gradients[0].contiguous(), ys, rows, gates);
    // x, gates, chosen, up, ..
    torch::Tensor dx, dxs;
    if (context->needs_input_grad(0)) dxs = torch::empty_like(xs);
    const auto g = run_backward(n, rows.offset_values(), xs, h, dys, dxs, context->needs_input_grad(3));
    if (dxs.defined()) dx = combine(dxs, rows, {});
    return {dx, dgates, {}, {}, g.up, g.up_bias, g.down, g.down_bias, {}};
  }
};

}  // namespace

torch::Tensor feed_forward(const torch::Tensor& x, const FeedForwardWeights& w) {
  return FeedForwardFunction::apply(
      checked(x, "the FFN's input"), static_cast<std::int64_t>(w.kind),
      checked(w.up, "the FFN's up projection"), checked_if_defined(w.up_bias, "the FFN's up bias"),
      checked(w.down, "the FFN's down projection"), checked_if_defined(w.down_bias, "the FFN's down bias"));
}

torch::Tensor experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                      const FeedForwardWeights& w, const ExpertOutputsTap& tap) {
  return ExpertsFunction::apply(checked(x, "the experts' input"), checked(gates, "the gates"),
                                chosen.contiguous(), static_cast<std::int64_t>(w.kind),
                                checked(w.up, "the experts' up projections"),
                                checked_if_defined(w.up_bias, "the experts' up biases"),
                                checked(w.down, "the experts' down projections"),
                                checked_if_defined(w.down_bias, "the experts' down biases"), &tap);
}

}  // namespace espalier::onednn
