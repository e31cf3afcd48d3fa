#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "infer/routing.h"
#include "model/trainable_decoder.h"

namespace espalier {
namespace {

/// What all blocks of one pass share.
struct Pass {
  const DecoderConfig& config;
  const SequenceLayout& layout;
  const ForwardOptions& options;
  const Ops& ops;
  const DecoderOps& decoder_ops;
  RopeTable rope;
};

torch::Tensor linear(const Pass& pass, const TrainableLinear& layer, const torch::Tensor& x) {
  return pass.ops.linear(x, layer.weight, layer.bias);
}

/// RMS norm of each head of x [N, heads * d], or of all its columns, as the weight's size tells.
torch::Tensor norm_heads(const Pass& pass, const torch::Tensor& x, const torch::Tensor& weight) {
  const auto rows = x.reshape({-1, weight.size(0)});
  return pass.decoder_ops.rms_norm(rows, weight, pass.config.norm_epsilon).view_as(x);
}

torch::Tensor attend(const Pass& pass, const TrainableGrouped& attention, std::int64_t window,
                     const torch::Tensor& x) {
  const auto& c = pass.config;
  const auto d = c.head_width, H = c.heads, G = c.key_value_heads;
  auto qkv = linear(pass, attention.qkv, x);
  if (attention.query_norm.defined())
    qkv = torch::cat({norm_heads(pass, qkv.narrow(1, 0, H * d), attention.query_norm),
                      norm_heads(pass, qkv.narrow(1, H * d, G * d), attention.key_norm),
                      qkv.narrow(1, (H + G) * d, G * d)},
                     1);
  if (c.clip_qkv) qkv = qkv.clamp(-*c.clip_qkv, *c.clip_qkv);
  const CausalHeads heads{.heads = H,
                          .key_value_heads = G,
                          .key_width = d,
                          .value_width = d,
                          .interleaved = c.rope.interleaved,
                          .window = window,
                          .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(d)))};
  return linear(pass, attention.output,
                pass.decoder_ops.causal_attention(qkv, pass.layout, heads, pass.rope));
}

/// The one rotated part of all keys is repeated for each head; YaRN's mscale_all_dim scales twice.
torch::Tensor attend(const Pass& pass, const TrainableLatent& attention, std::int64_t window,
                     const torch::Tensor& x) {
  const auto& c = pass.config;
  const auto& l = *c.latent;
  const auto N = x.size(0), H = c.heads, n = l.nope_head_width, v = l.value_head_width;
  auto narrow = x;
  if (attention.query_norm.defined())
    narrow = norm_heads(pass, linear(pass, attention.query_down, x), attention.query_norm);
  const auto queries = linear(pass, attention.query, narrow);
  const auto down = linear(pass, attention.key_value_down, x);
  const auto latent = norm_heads(pass, down.narrow(1, 0, l.key_value_rank), attention.key_value_norm);
  const auto key_value = linear(pass, attention.key_value, latent).view({N, H, n + v});
  const auto turned =
      down.narrow(1, l.key_value_rank, l.rope_head_width).unsqueeze(1).expand({N, H, l.rope_head_width});
  const auto keys = torch::cat({key_value.narrow(2, 0, n), turned}, 2).reshape({N, -1});
  const auto qkv = torch::cat({queries, keys, key_value.narrow(2, n, v).reshape({N, -1})}, 1);
  const double m = c.rope.yarn ? yarn_mscale(c.rope.yarn->factor, c.rope.yarn->mscale_all_dim) : 1.0;
  const CausalHeads heads{.heads = H,
                          .key_value_heads = H,
                          .key_width = c.head_width,
                          .value_width = v,
                          .turned_from = n,
                          .interleaved = c.rope.interleaved,
                          .window = window,
                          .scale = static_cast<float>(m * m / std::sqrt(static_cast<double>(c.head_width)))};
  return linear(pass, attention.output,
                pass.decoder_ops.causal_attention(qkv, pass.layout, heads, pass.rope));
}

struct Choice {
  torch::Tensor alpha;   // [N, E]
  torch::Tensor chosen;  // [N, K] int32
};
Choice chosen(const torch::Tensor& logits, const RouterConfig& router, const TrainableMoe& moe) {
  const auto N = logits.size(0), E = logits.size(1), K = router.experts_per_token;
  Choice choice{torch::empty({N, E}), torch::empty({N, K}, torch::kInt32)};
  Buffer<float> gates(N * K);
  std::span<const float> bias;
  if (moe.correction_bias.defined())
    bias = {moe.correction_bias.data_ptr<float>(), static_cast<std::size_t>(E)};
  infer::choose_experts(
      router, N, E, logits.data_ptr<float>(), bias,
      {choice.alpha.data_ptr<float>(), choice.chosen.data_ptr<std::int32_t>(), gates.data()});
  return choice;
}

/// The choice is made without gradients (infer/routing.h); what it weighs with is made again with them.
Routing route(const Pass& pass, const TrainableMoe& moe, const torch::Tensor& x) {
  const auto& router = pass.config.router;
  const auto logits = pass.ops.linear(x, moe.router, {});
  const auto choice = chosen(logits.detach().to(torch::kCPU, torch::kFloat32).contiguous(), router, moe);
  Routing routing;
  const bool sigmoid = router.score == GateScore::kSigmoid;
  const auto scores = sigmoid ? torch::sigmoid(logits) : torch::softmax(logits, -1);
  routing.probabilities = sigmoid ? scores / scores.sum(-1, /*keepdim=*/true) : scores;
  routing.unjittered = choice.alpha;
  routing.chosen = routing.accepted = choice.chosen;
  auto gates = scores.gather(1, choice.chosen.to(x.device(), torch::kInt64));
  if (router.normalise || router.score == GateScore::kSoftmaxOfChosen)
    gates = gates / (gates.sum(-1, /*keepdim=*/true) + 1e-20);
  routing.gates = router.scale == 1.0 ? gates : gates * router.scale;
  return routing;
}

/// The routed experts' output.
torch::Tensor routed(const Pass& pass, const TrainableMoe& moe, std::int64_t layer, const torch::Tensor& x,
                     torch::Tensor& balance) {
  if (!moe.router.defined()) {
    const auto y = pass.decoder_ops.gated_ffn(x, {moe.experts.gate_up[0], moe.experts.down[0]});
    return pass.config.router.scale == 1.0 ? y : y * pass.config.router.scale;
  }
  const auto routing = route(pass, moe, x);
  if (pass.options.on_routing) pass.options.on_routing(layer, routing);
  if (pass.options.mode == Mode::kTraining && !moe.correction_bias.defined()) {
    const auto loss = balance_loss(routing);
    balance = balance.defined() ? balance + loss : loss;
  }
  return pass.decoder_ops.gated_experts(x, routing.gates, routing.chosen, moe.experts);
}

torch::Tensor feed_forward(const Pass& pass, const TrainableBlock& block, std::int64_t layer,
                           const torch::Tensor& x, torch::Tensor& balance) {
  const auto* moe = block.moe();
  if (moe == nullptr) return pass.decoder_ops.gated_ffn(x, std::get<GatedWeights>(block.feed_forward));
  const auto y = routed(pass, *moe, layer, x, balance);
  if (!moe->shared) return y;
  auto shared = pass.decoder_ops.gated_ffn(x, *moe->shared);
  if (moe->shared_gate.defined()) shared = shared * torch::sigmoid(pass.ops.linear(x, moe->shared_gate, {}));
  return y + shared;
}

void check_ids(const DecoderConfig& config, const torch::Tensor& ids) {
  if (ids.numel() == 0) return;
  const auto least = ids.min().item<std::int64_t>(), most = ids.max().item<std::int64_t>();
  if (least < 0 || most >= config.vocab_size)
    throw UserError(fmt::format("token id {}, but the vocabulary has the ids 0 to {}",
                                least < 0 ? least : most, config.vocab_size - 1));
}

}  // namespace

DecoderOutput run(const TrainableDecoder& model, const torch::Tensor& ids, const SequenceLayout& layout,
                  const ForwardOptions& options) {
  const auto& c = model.config;
  check_ids(c, ids);
  const auto width = c.latent ? c.latent->rope_head_width : c.head_width;
  const Pass pass{c,
                  layout,
                  options,
                  ops(options.backend),
                  decoder_ops(options.backend),
                  rope_table(c.rope, width, std::max<std::int64_t>(1, layout.longest()))};
  DecoderOutput output;
  auto x = pass.decoder_ops.embed(model.embedding, ids);
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer) {
    const auto& block = model.blocks[layer];
    const auto normed = pass.decoder_ops.rms_norm(x, block.attention_norm, c.norm_epsilon);
    const auto window = c.windows[layer];
    x = x + std::visit([&](const auto& attention) { return attend(pass, attention, window, normed); },
                       block.attention);
    const auto inner = pass.decoder_ops.rms_norm(x, block.feed_forward_norm, c.norm_epsilon);
    x = x + feed_forward(pass, block, static_cast<std::int64_t>(layer), inner, output.balance_loss);
  }
  output.hidden = pass.decoder_ops.rms_norm(x, model.norm, c.norm_epsilon);
  return output;
}

torch::Tensor logits_of(const TrainableDecoder& model, const torch::Tensor& hidden,
                        const ForwardOptions& options) {
  return ops(options.backend).linear(hidden, model.head.defined() ? model.head : model.embedding, {});
}

}  // namespace espalier
