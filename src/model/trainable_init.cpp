#include <fmt/format.h>

#include "base/json.h"
#include "model/random_tensor.h"
#include "model/trainable_decoder.h"

namespace espalier {
namespace {

TrainableLinear linear(std::int64_t out, std::int64_t in, bool bias) {
  return {torch::empty({out, in}), bias ? torch::empty({out}) : torch::Tensor()};
}

TrainableGrouped grouped(const DecoderConfig& c) {
  const auto d = c.head_width, rows = (c.heads + 2 * c.key_value_heads) * d;
  TrainableGrouped attention{linear(rows, c.hidden_size, c.query_key_value_bias),
                             linear(c.hidden_size, c.heads * d, c.attention_output_bias),
                             {},
                             {}};
  if (c.qk_norm == QkNorm::kNone) return attention;
  const bool all = c.qk_norm == QkNorm::kAllHeads;
  attention.query_norm = torch::empty({all ? c.heads * d : d});
  attention.key_norm = torch::empty({all ? c.key_value_heads * d : d});
  return attention;
}

TrainableLatent latent(const DecoderConfig& c) {
  const auto& l = *c.latent;
  const auto D = c.hidden_size, H = c.heads;
  TrainableLatent attention;
  if (l.query_rank) {
    attention.query_down = linear(*l.query_rank, D, c.query_key_value_bias);
    attention.query_norm = torch::empty({*l.query_rank});
  }
  attention.query = linear(H * c.head_width, l.query_rank.value_or(D), false);
  attention.key_value_down = linear(l.key_value_rank + l.rope_head_width, D, c.query_key_value_bias);
  attention.key_value_norm = torch::empty({l.key_value_rank});
  attention.key_value = linear(H * (l.nope_head_width + l.value_head_width), l.key_value_rank, false);
  attention.output = linear(D, H * l.value_head_width, c.attention_output_bias);
  return attention;
}

GatedWeights ffn(std::int64_t D, std::int64_t F) {
  return {torch::empty({2 * F, D}), torch::empty({D, F})};
}

TrainableMoe moe(const DecoderConfig& c, std::int64_t E) {
  const auto D = c.hidden_size, F = c.expert_width;
  TrainableMoe layer{
      torch::empty({E, D}), {}, {torch::empty({E, 2 * F, D}), torch::empty({E, D, F})}, {}, {}};
  if (c.router.correction_bias) layer.correction_bias = torch::zeros({E});
  if (c.shared_width > 0) layer.shared = ffn(D, c.shared_width);
  if (c.gated_shared_expert) layer.shared_gate = torch::empty({1, D});
  return layer;
}

/// Every parameter with its shape, undefined until filled.
TrainableDecoder shaped(const DecoderConfig& c) {
  const auto D = c.hidden_size;
  TrainableDecoder model;
  model.config = c;
  model.embedding = torch::empty({c.vocab_size, D});
  for (const auto E : c.experts) {
    TrainableBlock block;
    block.attention_norm = torch::empty({D});
    if (c.latent)
      block.attention = latent(c);
    else
      block.attention = grouped(c);
    block.feed_forward_norm = torch::empty({D});
    if (E > 0)
      block.feed_forward = moe(c, E);
    else
      block.feed_forward = ffn(D, c.dense_width);
    model.blocks.push_back(std::move(block));
  }
  model.norm = torch::empty({D});
  if (!c.tied_embeddings) model.head = torch::empty({c.vocab_size, D});
  return model;
}

}  // namespace

TrainableDecoder initialize_decoder(const nlohmann::json& fields, std::string_view source,
                                    std::uint64_t seed) {
  auto model = shaped(parse_decoder_config(fields, source));
  model.fields = fields;
  const double deviation =
      JsonObject(fields, std::string(source)).number("initializer_range", {1e-6, 10.0}, 0.02);
  visit_parameters(model, [&](const std::string& name, torch::Tensor& tensor) {
    if (name.ends_with("norm.weight"))
      tensor.fill_(1.0);
    else if (name.ends_with(".bias"))
      tensor.zero_();
    else
      tensor = random_normal(tensor.sizes(), deviation, seed, name);
  });
  return model;
}

}  // namespace espalier
