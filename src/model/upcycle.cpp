#include <fmt/format.h>

#include "base/error.h"
#include "model/bert_checkpoint.h"
#include "model/random_tensor.h"

namespace espalier {

BertModel upcycle(const BertModel& dense, const UpcycleOptions& options) {
  auto model = dense;
  auto& config = model.config;
  if (!config.moe_layers.empty())
    throw UserError("upcycle: the model has MoE layers already",
                    "upcycling starts from a dense BERT checkpoint");
  config.set_moe(options.moe_layers, options.num_experts);
  config.num_experts_per_tok = options.experts_per_token;
  validate(config, "upcycling");
  const auto E = options.num_experts;
  const double scale = static_cast<double>(E) / static_cast<double>(options.experts_per_token);
  for (const auto l : options.moe_layers) {
    auto& block = model.blocks.at(static_cast<std::size_t>(l));
    const auto ffn = std::get<FfnWeights>(block.feed_forward);
    const auto copies = [E](const torch::Tensor& t) {
      return torch::stack(std::vector<torch::Tensor>(E, t));
    };
    block.feed_forward = MoeLayer{
        random_normal({E, config.hidden_size}, options.router_noise, options.seed,
                      fmt::format("router.{}", l)),
        {copies(ffn.up), copies(ffn.up_bias), copies(ffn.down * scale), copies(ffn.down_bias * scale)}};
  }
  return model;
}

}  // namespace espalier
