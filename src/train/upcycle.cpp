#include "train/upcycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "arch/family.h"
#include "base/error.h"
#include "base/rng.h"
#include "train/parameters.h"
#include "train/random_tensor.h"

namespace espalier::train {
namespace {

/// The family of encoders with experts, which upcycling makes of dense ones.
constexpr const char* kUpcycledFamily = "espalier_bert_moe";
constexpr std::uint64_t kGateStream = 0x6761746573;
constexpr int kGateDraws = 4096;

/// The encoder's description with experts in the listed blocks.
void describe_experts(const UpcycleOptions& options, Transformer& model) {
  const auto heads = model.spec.heads;
  const auto training = model.spec.training;
  model.fields = arch::write_spec(model.spec, model.fields);
  model.fields.update({{"model_type", kUpcycledFamily},
                       {"moe_layers", options.moe_layers},
                       {"num_experts", options.num_experts},
                       {"num_experts_per_tok", options.experts_per_token}});
  model.spec = arch::read_spec(model.fields, "upcycling");
  model.spec.heads = heads;
  model.spec.training = training;
}

/// Root mean square norm of what a layer norm gives: each column is its weight times what has mean 0 and
/// variance 1 over a row, plus its bias.
double output_norm(const NormWeights& norm) {
  return std::sqrt(norm.weight.square().sum().item<double>() + norm.bias.square().sum().item<double>());
}

/// `count` of `all` numbers, in random order.
torch::Tensor chosen_neurons(std::int64_t all, std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(all));
  std::iota(order.begin(), order.end(), 0);
  Rng rng(seed);
  for (std::int64_t i = 0; i < count; ++i)
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(i) + rng.below(static_cast<std::uint64_t>(all - i))]);
  order.resize(static_cast<std::size_t>(count));
  return torch::tensor(order, torch::kInt64);
}

/// Normal numbers with the mean and the deviation of `of`.
torch::Tensor drawn_like(const torch::Tensor& of, std::uint64_t seed, const std::string& name) {
  return random_normal(of.sizes(), of.std(/*unbiased=*/false).item<double>(), seed, name) + of.mean();
}

/// One expert: a copy of the network, or what parting makes of it.
FeedForwardWeights parted(const FeedForwardWeights& ffn, const UpcycleOptions& options,
                          const std::string& name, std::uint64_t key) {
  FeedForwardWeights copy{ffn.up.clone(), ffn.up_bias.clone(), ffn.down.clone(), ffn.down_bias.clone()};
  const auto F = ffn.up.size(0);
  const auto count = std::llround(options.redraw * static_cast<double>(F));
  if (count > 0) {
    const auto neurons = chosen_neurons(F, count, key);
    const auto redraw = [&](torch::Tensor& weight, std::int64_t axis, const char* part) {
      weight.index_copy_(axis, neurons,
                         drawn_like(weight.index_select(axis, neurons), options.seed, name + part));
    };
    redraw(copy.up, 0, ".up");
    redraw(copy.up_bias, 0, ".up_bias");
    redraw(copy.down, 1, ".down");
  }
  if (options.noise > 0)
    for (auto* weight : {&copy.up, &copy.down})
      *weight += random_normal(weight->sizes(), options.noise * weight->std(false).item<double>(),
                               options.seed, name + (weight == &copy.up ? ".up noise" : ".down noise"));
  return copy;
}

MoeWeights experts_of(const FeedForwardWeights& ffn, double input_norm, const UpcycleOptions& options,
                      std::int64_t layer) {
  const auto name = fmt::format("router.{}", layer);
  const auto E = options.num_experts;
  const double scale = 1.0 / expected_gates(E, options.experts_per_token, options.router_logits);
  std::vector<torch::Tensor> up, up_bias, down, down_bias;
  for (std::int64_t e = 0; e < E; ++e) {
    const auto expert = parted(
        ffn, options, fmt::format("{}.experts.{}", name, e),
        counter_random(options.seed, static_cast<std::uint64_t>(layer), static_cast<std::uint64_t>(e)));
    up.push_back(expert.up);
    up_bias.push_back(expert.up_bias);
    down.push_back(expert.down * scale);
    down_bias.push_back(expert.down_bias * scale);
  }
  MoeWeights moe;
  moe.router = random_normal({E, ffn.up.size(1)}, options.router_logits / input_norm, options.seed, name);
  moe.experts = {torch::stack(up), torch::stack(up_bias), torch::stack(down), torch::stack(down_bias)};
  return moe;
}

}  // namespace

double expected_gates(std::int64_t experts, std::int64_t experts_per_token, double deviation) {
  Rng rng(kGateStream);
  std::vector<double> gates(static_cast<std::size_t>(experts));
  double sum = 0;
  for (int draw = 0; draw < kGateDraws; ++draw) {
    for (auto& gate : gates) gate = std::exp(deviation * rng.normal());
    const double all = std::accumulate(gates.begin(), gates.end(), 0.0);
    std::sort(gates.begin(), gates.end(), std::greater<>());
    sum += std::accumulate(gates.begin(), gates.begin() + experts_per_token, 0.0) / all;
  }
  return sum / kGateDraws;
}

Transformer upcycle(const Transformer& dense, const UpcycleOptions& options) {
  if (!is_encoder(dense.spec) || !arch::moe_layers(dense.spec).empty())
    throw UserError("upcycle: the model has MoE layers already",
                    "upcycling starts from a dense BERT checkpoint");
  const torch::NoGradGuard no_grad;
  auto model = dense;
  describe_experts(options, model);
  for (const auto l : options.moe_layers) {
    auto& block = model.blocks.at(static_cast<std::size_t>(l));
    const auto ffn = std::get<FeedForwardWeights>(block.feed_forward);
    block.feed_forward = experts_of(ffn, output_norm(block.mixer_norm), options, l);
  }
  return model;
}

}  // namespace espalier::train
