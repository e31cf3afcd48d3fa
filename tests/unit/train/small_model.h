#pragma once

#include <map>
#include <string>

#include "base/rng.h"
#include "train/checkpoint.h"
#include "train/forward.h"
#include "unit/arch/encoder_config.h"

namespace espalier {

using namespace train;

/// Random weights with biases and norms that are not 0 and 1, so that nothing about them goes unseen.
inline Transformer small_model(const nlohmann::json& config, std::uint64_t seed = 1) {
  auto model = initialize(config, "a small model", seed);
  Rng rng(seed, 77);
  visit_parameters(model, [&](const std::string& name, torch::Tensor& parameter) {
    const double scale = name.find("LayerNorm") != std::string::npos || name.ends_with("bias") ? 0.1 : 0.15;
    for (std::int64_t i = 0; i < parameter.numel(); ++i)
      parameter.data_ptr<float>()[i] += static_cast<float>(scale * rng.normal());
  });
  return model;
}

/// Sequences of 1, 5, 20 and 9 tokens.
inline TokenBatch small_batch(std::int64_t vocabulary) {
  TokenBatch batch;
  for (const auto length : {1, 5, 20, 9}) batch.layout.append(length);
  Rng rng(3);
  std::vector<std::int64_t> ids, types;
  for (std::int64_t i = 0; i < batch.layout.tokens(); ++i) {
    ids.push_back(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(vocabulary))));
    types.push_back(static_cast<std::int64_t>(rng.below(2)));
  }
  batch.ids = torch::tensor(ids, torch::kInt64);
  batch.types = torch::tensor(types, torch::kInt64);
  return batch;
}

inline std::map<std::string, torch::Tensor> parameters_of(const Transformer& model) {
  std::map<std::string, torch::Tensor> parameters;
  visit_parameters(const_cast<Transformer&>(model), [&](const std::string& name, torch::Tensor& parameter) {
    parameters.emplace(name, parameter);
  });
  return parameters;
}

/// The classes' names do not matter.
inline void reset_classifier(Transformer& model, std::int64_t labels, std::uint64_t seed) {
  reset_classifier(model, std::vector<std::string>(static_cast<std::size_t>(labels), "label"), seed);
}

/// A layer of experts alone.
inline MoeWeights moe_layer(torch::Tensor router, FeedForwardWeights experts) {
  MoeWeights moe;
  moe.router = std::move(router);
  moe.experts = std::move(experts);
  return moe;
}
inline MoeOutput forward(const Ops& ops, const MoeWeights& moe, const torch::Tensor& x,
                         const RouterOptions& options, std::uint64_t key,
                         const std::vector<std::int32_t>& expert_of_row = {}) {
  return routed_experts(ops, moe, expert_of_row, x, 1, options, key);
}

inline double relative_difference(const torch::Tensor& a, const torch::Tensor& b) {
  const auto wide = b.detach().to(torch::kFloat64);
  return ((a.detach().to(torch::kFloat64) - wide).norm() / wide.norm()).item<double>();
}

}  // namespace espalier
