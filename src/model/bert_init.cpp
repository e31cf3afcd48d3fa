#include <fmt/format.h>

#include <cmath>

#include "model/bert_checkpoint.h"
#include "model/random_tensor.h"

namespace espalier {
namespace {

/// Gives every parameter of `model` its shape, undefined until filled.
void shape_parameters(BertModel& model) {
  const auto& c = model.config;
  const auto D = c.hidden_size, F = c.intermediate_size;
  const auto linear = [](std::int64_t out, std::int64_t in) {
    return Linear{torch::empty({out, in}), torch::empty({out})};
  };
  const auto norm = [D] { return LayerNorm{torch::empty({D}), torch::empty({D})}; };
  model.embeddings = {torch::empty({c.vocab_size, D}), torch::empty({c.max_position_embeddings, D}),
                      torch::empty({c.type_vocab_size, D}), norm()};
  model.blocks.clear();
  for (std::int64_t l = 0; l < c.num_hidden_layers; ++l) {
    BertBlock block{linear(3 * D, D), linear(D, D), norm(), FfnWeights{}, norm()};
    if (const auto E = c.experts_in(l); E > 0)
      block.feed_forward = MoeLayer{
          torch::empty({E, D}),
          {torch::empty({E, F, D}), torch::empty({E, F}), torch::empty({E, D, F}), torch::empty({E, D})}};
    else
      block.feed_forward =
          FfnWeights{torch::empty({F, D}), torch::empty({F}), torch::empty({D, F}), torch::empty({D})};
    model.blocks.push_back(std::move(block));
  }
  model.pooler = linear(D, D);
  model.mlm_head = MlmHead{linear(D, D), norm(), torch::empty({c.vocab_size})};
}

/// Sinusoids (Vaswani et al. 2017, 3.5) of the given deviation: a token finds its neighbours by a rotation,
/// the same at every position, where random rows would have to be learned one by one.
torch::Tensor sinusoids(std::int64_t positions, std::int64_t D, double deviation) {
  auto table = torch::empty({positions, D});
  auto* value = table.data_ptr<float>();
  for (std::int64_t t = 0; t < positions; ++t)
    for (std::int64_t d = 0; d < D; ++d) {
      const double angle =
          static_cast<double>(t) / std::pow(10000.0, static_cast<double>(d - d % 2) / static_cast<double>(D));
      *value++ =
          static_cast<float>(deviation * std::sqrt(2.0) * (d % 2 == 0 ? std::sin(angle) : std::cos(angle)));
    }
  return table;
}

void fill(const std::string& name, torch::Tensor& parameter, double deviation, std::uint64_t seed) {
  if (name.ends_with("bias") || name.ends_with("_bias"))
    parameter.zero_();
  else if (name.ends_with("LayerNorm.weight"))
    parameter.fill_(1.0);
  else if (name.ends_with("position_embeddings.weight"))
    parameter = sinusoids(parameter.size(0), parameter.size(1), deviation);
  else
    parameter = random_normal(parameter.sizes(), deviation, seed, name);
}

}  // namespace

BertModel initialize_bert(const BertMoeConfig& config, std::uint64_t seed) {
  BertModel model;
  model.config = config;
  shape_parameters(model);
  visit_parameters(model, [&](const std::string& name, torch::Tensor& parameter) {
    fill(name, parameter, config.initializer_range, seed);
  });
  return model;
}

void ensure_mlm_head(BertModel& model, std::uint64_t seed) {
  if (model.mlm_head) return;
  const auto D = model.config.hidden_size;
  model.mlm_head = MlmHead{
      {random_normal({D, D}, model.config.initializer_range, seed, "cls.predictions.transform.dense.weight"),
       torch::zeros({D})},
      {torch::ones({D}), torch::zeros({D})},
      torch::zeros({model.config.vocab_size})};
}

void reset_classifier(BertModel& model, std::int64_t labels, std::uint64_t seed) {
  const auto D = model.config.hidden_size;
  const auto deviation = model.config.initializer_range;
  if (!model.pooler)
    model.pooler =
        Linear{random_normal({D, D}, deviation, seed, "bert.pooler.dense.weight"), torch::zeros({D})};
  model.classifier =
      Linear{random_normal({labels, D}, deviation, seed, "classifier.weight"), torch::zeros({labels})};
  model.config.labels.clear();
  for (std::int64_t i = 0; i < labels; ++i) model.config.labels.push_back(fmt::format("LABEL_{}", i));
}

}  // namespace espalier
